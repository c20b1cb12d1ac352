//! Rows of a location file become locations.
//!
//! Only the id is needed: an empty kind means a store, an empty name the id, an
//! empty time zone UTC, an empty currency USD.
//!
//! Invariant: within a file a location has one row.

use std::collections::BTreeMap;

use evertill_domain::opening::OpeningHours;
use evertill_domain::{Currency, Location, LocationId, LocationKind, TimeZoneName};

use super::reject::Rejected;
use super::row::{Fields, Problem};
use super::table::{Columns, RawRow, Table};

pub(super) const COLUMNS: Columns = Columns {
    required: &[
        "location",
        "name",
        "kind",
        "legal_entity",
        "tax_id",
        "address",
        "country",
        "region",
        "timezone",
        "currency",
        "latitude",
        "longitude",
        "opening_hours",
        "pick_capacity",
        "brand",
    ],
    optional: &[],
};

/// Most order lines an hour that a location can claim to pick.
const PICK_CAPACITY_MAX: u32 = 1_000_000;

/// The locations of a file, and the rows that could not become one.
#[derive(Default)]
pub(super) struct Locations {
    pub(super) found: BTreeMap<LocationId, (u64, Location)>,
    pub(super) rejected: Vec<Rejected>,
}

impl Locations {
    /// Takes the next row of the file.
    pub(super) fn take(&mut self, table: &Table<'_>, row: RawRow) {
        match self.read(table, &row) {
            Ok(location) => {
                self.found.insert(location.id.clone(), (row.line, location));
            }
            Err(problems) => self.rejected.push(Rejected { row, problems }),
        }
    }

    fn read(&self, table: &Table<'_>, row: &RawRow) -> Result<Location, Vec<Problem>> {
        if let Some(reason) = &row.misshapen {
            let (field, reason) = ("", reason.clone());
            return Err(vec![Problem { field, reason }]);
        }
        let mut fields = Fields::new(table, &row.record, None);
        let location = read_location(&mut fields);
        if let Some((line, _)) = location
            .as_ref()
            .and_then(|found| self.found.get(&found.id))
        {
            fields.refuse(
                "location",
                format!("line {line} has it already: keep one of them"),
            );
        }
        fields.finish(location)
    }
}

fn read_location(fields: &mut Fields<'_>) -> Option<Location> {
    let id: Option<LocationId> = fields.needed("location");
    let kind = read_kind(fields);
    let time_zone = fields.given("timezone").unwrap_or_else(TimeZoneName::utc);
    let currency = fields.given("currency").unwrap_or(Currency::USD);
    let (latitude, longitude) = (fields.text("latitude"), fields.text("longitude"));
    if latitude.is_empty() != longitude.is_empty() {
        let empty = if latitude.is_empty() {
            "latitude"
        } else {
            "longitude"
        };
        fields.refuse(
            empty,
            "it is empty: fill in both latitude and longitude or none",
        );
    }
    let pick_capacity = fields.whole("pick_capacity", PICK_CAPACITY_MAX);
    let mut location = Location::with_defaults(id?, currency, time_zone);
    let name = fields.words("name");
    if !name.is_empty() {
        location.name = name;
    }
    location.kind = kind?;
    location.legal_entity = fields.words("legal_entity");
    location.tax_id = fields.words("tax_id");
    location.address = fields.words("address");
    location.country = fields.words("country");
    location.region = fields.words("region");
    location.latitude = read_degrees(fields, "latitude", 90);
    location.longitude = read_degrees(fields, "longitude", 180);
    location.opening_hours = fields.words("opening_hours");
    // Read for its own sake: what nobody can read would count as always open.
    fields.given::<OpeningHours>("opening_hours");
    location.pick_capacity = pick_capacity;
    location.brand = fields.words("brand");
    Some(location)
}

fn read_kind(fields: &mut Fields<'_>) -> Option<LocationKind> {
    let text = fields.text("kind");
    if text.is_empty() {
        return Some(LocationKind::Store);
    }
    let kind = [
        LocationKind::Store,
        LocationKind::Warehouse,
        LocationKind::Supplier,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == text);
    if kind.is_none() {
        fields.refuse(
            "kind",
            format!("\"{text}\" is no kind of location: use store, warehouse or supplier"),
        );
    }
    kind
}

/// Degrees with a decimal point, within ± `most`.
fn read_degrees<D>(fields: &mut Fields<'_>, field: &'static str, most: i64) -> Option<D>
where
    D: std::str::FromStr + From<i64> + PartialOrd,
{
    let text = fields.text(field);
    if text.is_empty() {
        return None;
    }
    let degrees = text
        .parse()
        .ok()
        .filter(|degrees| (D::from(-most)..=D::from(most)).contains(degrees));
    if degrees.is_none() {
        fields.refuse(
            field,
            format!("\"{text}\" does not fit: write degrees such as 52.52, from -{most} to {most}"),
        );
    }
    degrees
}
