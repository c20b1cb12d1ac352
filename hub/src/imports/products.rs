//! Rows of a product file become products.
//!
//! Several rows of one SKU give it several barcodes: the first says everything,
//! later ones may leave all but SKU and barcode empty, and what they do say must
//! agree. The row is the unit that is refused: a product stands as long as one
//! of its rows does.
//!
//! Invariant: within a file a barcode names one product.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::{Barcode, Product, Quantity, Sku, TaxClassName, Unit, barcode};

use super::reject::Rejected;
use super::row::{Fields, Problem};
use super::table::{Columns, RawRow, Table};

pub(super) const COLUMNS: Columns = Columns {
    required: &[
        "sku",
        "barcode",
        "name",
        "department",
        "category",
        "price",
        "cost",
        "currency",
        "tax_class",
        "unit",
    ],
    optional: &[
        "parent",
        "attributes",
        "net_content",
        "net_unit",
        "minimum_age",
        "pack_quantity",
    ],
};

/// Highest age that a product may ask for, in years.
const OLDEST: u32 = 120;

/// A product and the rows that it stands on.
pub(super) struct Draft {
    /// The product without barcodes, as all its rows describe it.
    base: Product,
    /// Its rows in the order of the file.
    pub(super) rows: Vec<DraftRow>,
}

/// One row of a product.
pub(super) struct DraftRow {
    pub(super) raw: RawRow,
    pub(super) barcode: Option<Barcode>,
}

impl Draft {
    /// The product with the barcodes of its rows.
    pub(super) fn product(&self) -> Product {
        let mut product = self.base.clone();
        for barcode in self.rows.iter().filter_map(|row| row.barcode.as_ref()) {
            if !product.barcodes.contains(barcode) {
                product.barcodes.push(barcode.clone());
            }
        }
        product
    }

    /// The product that this one is a variant of.
    pub(super) fn parent(&self) -> Option<&Sku> {
        self.base.parent.as_ref()
    }
}

/// The products of a file, and the rows that could not become one.
#[derive(Default)]
pub(super) struct Drafts {
    pub(super) products: BTreeMap<Sku, Draft>,
    pub(super) rejected: Vec<Rejected>,
    barcodes: BTreeMap<Barcode, (Sku, u64)>,
}

impl Drafts {
    /// Takes the next row of the file. `classes` are the tax classes there are.
    pub(super) fn take(
        &mut self,
        table: &Table<'_>,
        row: RawRow,
        classes: &BTreeSet<TaxClassName>,
    ) {
        match self.read(table, &row, classes) {
            Ok((product, barcode)) => self.add(row, product, barcode),
            Err(problems) => self.rejected.push(Rejected { row, problems }),
        }
    }

    /// Moves the rows that `problem` finds fault with to the rejects, and drops
    /// the products that have no row left.
    pub(super) fn refuse(&mut self, problem: impl Fn(&Sku, &DraftRow) -> Option<Problem>) {
        for (sku, draft) in &mut self.products {
            for row in std::mem::take(&mut draft.rows) {
                match problem(sku, &row) {
                    None => draft.rows.push(row),
                    Some(problem) => self.rejected.push(Rejected {
                        row: row.raw,
                        problems: vec![problem],
                    }),
                }
            }
        }
        self.products.retain(|_, draft| !draft.rows.is_empty());
    }

    fn add(&mut self, row: RawRow, product: Product, barcode: Option<Barcode>) {
        if let Some(barcode) = &barcode {
            let holder = (product.sku.clone(), row.line);
            self.barcodes.entry(barcode.clone()).or_insert(holder);
        }
        let row = DraftRow { raw: row, barcode };
        self.products
            .entry(product.sku.clone())
            .or_insert_with(|| Draft {
                base: product,
                rows: Vec::new(),
            })
            .rows
            .push(row);
    }

    fn read(
        &self,
        table: &Table<'_>,
        row: &RawRow,
        classes: &BTreeSet<TaxClassName>,
    ) -> Result<(Product, Option<Barcode>), Vec<Problem>> {
        if let Some(reason) = &row.misshapen {
            let (field, reason) = ("", reason.clone());
            return Err(vec![Problem { field, reason }]);
        }
        let earlier = table
            .field(&row.record, "sku")
            .parse::<Sku>()
            .ok()
            .and_then(|sku| self.products.get(&sku));
        let first = earlier.map(|draft| &draft.rows[0].raw);
        let mut fields = Fields::new(table, &row.record, first.map(|raw| &raw.record));
        let product = read_product(&mut fields, classes);
        let barcode = read_barcode(&mut fields);
        if let (Some(product), Some(barcode)) = (&product, &barcode)
            && let Some((sku, line)) = self.barcodes.get(barcode)
            && *sku != product.sku
        {
            fields.refuse(
                "barcode",
                format!("line {line} gives it to {sku}: keep one of them"),
            );
        }
        if let (Some(product), Some(draft), Some(first)) = (&product, earlier, first)
            && let Some(field) = difference(&draft.base, product)
        {
            fields.refuse(
                field,
                format!(
                    "it differs from line {}, which has the same SKU: make them equal",
                    first.line
                ),
            );
        }
        fields.finish(product.map(|product| (product, barcode)))
    }
}

fn read_product(fields: &mut Fields<'_>, classes: &BTreeSet<TaxClassName>) -> Option<Product> {
    let sku: Option<Sku> = fields.needed("sku");
    let name = fields.words("name");
    if name.is_empty() {
        fields.refuse("name", "it is empty: write what the receipt shall say");
    }
    let department = fields.words("department");
    let category = fields.words("category");
    let currency = fields.given("currency");
    let price = fields.amount("price", currency);
    let cost = fields.amount("cost", currency);
    let tax_class: Option<TaxClassName> = fields.needed("tax_class");
    if let Some(class) = tax_class.as_ref().filter(|class| !classes.contains(class)) {
        let known: Vec<&str> = classes.iter().map(TaxClassName::as_str).collect();
        fields.refuse(
            "tax_class",
            format!(
                "the tax policy has no class {class}: put it there first, or use {}",
                known.join(", ")
            ),
        );
    }
    let unit: Option<Unit> = fields.needed("unit");
    let parent: Option<Sku> = fields.given("parent");
    if parent.is_some() && parent == sku {
        fields.refuse(
            "parent",
            "a product cannot be its own parent: leave it empty",
        );
    }
    let attributes = read_attributes(fields);
    let (net_content, net_unit) = read_net(fields);
    let minimum_age = fields
        .whole("minimum_age", OLDEST)
        .and_then(|years| u8::try_from(years).ok());
    let pack_quantity = read_pack(fields);
    Some(Product {
        department,
        category,
        unit: unit?,
        tax_class: tax_class?,
        price,
        cost,
        parent,
        attributes,
        net_content,
        net_unit,
        minimum_age,
        pack_quantity,
        ..Product::new(sku?, name)
    })
}

/// A code that a scanner can read. Codes of the length of a GTIN-12, -13 or -14
/// must have its check digit, because scanners refuse them otherwise and a typing
/// error is likelier than a house code. Eight digits may also be a UPC-E, whose
/// check digit is that of the number it stands for, and are not checked.
fn read_barcode(fields: &mut Fields<'_>) -> Option<Barcode> {
    let text = fields.own("barcode");
    if text.is_empty() {
        return None;
    }
    let code: Barcode = fields.read("barcode", text.parse())?;
    let is_gtin = matches!(text.len(), 12..=14) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_gtin && !barcode::is_valid_gtin(text) {
        let right = barcode::check_digit(&text[..text.len() - 1]).unwrap_or_default();
        fields.refuse(
            "barcode",
            format!("the check digit of {text} should be {right}: mend it or leave it empty"),
        );
        return None;
    }
    Some(code)
}

/// `name=value` pairs separated by semicolons, such as `size=XL;colour=red`.
fn read_attributes(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    let text = fields.words("attributes");
    for pair in text
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let named = pair
            .split_once('=')
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .filter(|(name, _)| !name.is_empty());
        match named {
            Some((name, value)) => {
                if attributes.insert(name.clone(), value).is_some() {
                    fields.refuse(
                        "attributes",
                        format!("\"{name}\" is there twice: remove one"),
                    );
                }
            }
            None => fields.refuse(
                "attributes",
                format!("\"{pair}\" is no pair: write them as size=XL;colour=red"),
            ),
        }
    }
    attributes
}

fn read_net(fields: &mut Fields<'_>) -> (Option<Quantity>, Option<Unit>) {
    let unit: Option<Unit> = fields.given("net_unit");
    let text = fields.text("net_content");
    if text.is_empty() {
        if unit.is_some() {
            fields.refuse(
                "net_content",
                "it is empty but net_unit is not: fill in both or none",
            );
        }
        return (None, None);
    }
    let Some(unit) = unit else {
        if fields.text("net_unit").is_empty() {
            fields.refuse(
                "net_unit",
                "net_content needs one: write a unit such as g or ml",
            );
        }
        return (None, None);
    };
    (above_zero(fields, "net_content", text, unit), Some(unit))
}

fn read_pack(fields: &mut Fields<'_>) -> Option<Quantity> {
    match fields.text("pack_quantity") {
        "" => None,
        text => above_zero(fields, "pack_quantity", text, Unit::Each),
    }
}

fn above_zero(
    fields: &mut Fields<'_>,
    field: &'static str,
    text: &str,
    unit: Unit,
) -> Option<Quantity> {
    let quantity = fields.read(field, Quantity::parse_decimal(text, unit))?;
    if !quantity.is_positive() {
        fields.refuse(
            field,
            format!("{text} is not above zero: mend it or leave it empty"),
        );
        return None;
    }
    Some(quantity)
}

/// The first column in which two descriptions of a product differ.
fn difference(first: &Product, other: &Product) -> Option<&'static str> {
    [
        ("name", first.name != other.name),
        ("department", first.department != other.department),
        ("category", first.category != other.category),
        ("price", first.price != other.price),
        ("cost", first.cost != other.cost),
        ("tax_class", first.tax_class != other.tax_class),
        ("unit", first.unit != other.unit),
        ("parent", first.parent != other.parent),
        ("attributes", first.attributes != other.attributes),
        ("net_content", first.net_content != other.net_content),
        ("net_unit", first.net_unit != other.net_unit),
        ("minimum_age", first.minimum_age != other.minimum_age),
        ("pack_quantity", first.pack_quantity != other.pack_quantity),
    ]
    .into_iter()
    .find_map(|(field, differs)| differs.then_some(field))
}
