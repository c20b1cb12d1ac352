//! What node and hub read and show over HTTP, apart from their routes.
//!
//! Requests become commands of the domain, and domain values become views, here
//! at the edge and nowhere else; the domain never sees either. Amounts and
//! quantities are decimal strings, times are RFC 3339.
//!
//! Invariant: a request that does not convert is refused with a JSON pointer to
//! the field, and a view shows every figure exactly.

mod availability;
mod codes;
mod days;
mod goods;
mod movements;
mod orders;
mod parcels;
mod products;
mod receipts;
mod refusals;
mod returns;
mod sales;
mod stock;
mod text;
mod work;

pub use availability::{
    AvailabilityView, ComingView, IncomingView, LocationAvailabilityView, ReservationBody,
    ReservationView, SellingBody, SellingView, SubtractionView, SupplyBody, SupplyView,
};
pub use codes::{ScanMatch, ScanView};
pub use days::{DayCurrencyView, DayTaxView, DayTenderView, DayView};
pub use goods::{Goods, Resolved};
pub use movements::{MovementBody, MovementLineBody, MovementLineView, MovementView};
pub use orders::{
    AddressBody, AssignBody, CancelBody, ChangeBody, Contact, CustomerBody, FulfilmentBody,
    HoldBody, HoldView, ObligationView, OrderBody, OrderLineBody, OrderLineView, OrderPaymentBody,
    OrderTaxBody, OrderView, PaymentBody, PromiseView, ReasonBody, RefundBody, ShipmentBody,
    ShipmentPartBody, ShortLineView, order_view,
};
pub use parcels::{
    CustomerView, HandOverView, LabelLineView, LabelParcelView, LabelView, ParcelLineView,
    ParcelView, SenderView, hand_over_view, parcel_view, parcel_views,
};
pub use products::ProductView;
pub use receipts::{ReceiptLineView, ReceiptView, TaxView, TenderView};
pub use returns::{ReturnBody, ReturnLineBody, VoidBody};
pub use sales::{DiscountBody, SaleBody, SaleLineBody, TenderBody};
pub use stock::{HubStockView, Pledged, StockView};
pub use text::{AmountText, QuantityText, minor_text, thousandths_text};
pub use work::{StepBody, StepPartBody, SubstituteBody, WorkLineView, WorkView};
