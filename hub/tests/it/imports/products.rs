//! Product files.

use evertill_storage::reference::PolicyName;

use super::*;

#[test]
fn every_column_arrives() {
    let mut hub = Hub::new();
    let text = "unit,tax_class,currency,cost,price,category,department,name,barcode,sku,parent,attributes,net_content,net_unit,minimum_age,pack_quantity\n\
                kg,zero,EUR,1.10,2.49,CHEESE,DAIRY,\"Gouda, young\",4006381333931,A-1,,age=young; origin = NL,0.5,kg,18,24\n\
                each,zero,,,,,,Bag,,B,A-1,,,,,\n";
    let summary = hub.run(import_products, text, false).unwrap();
    assert_eq!(counts(&summary), (2, 2, 0, 0));
    assert_eq!((summary.version, summary.reject_file), (1, None));
    let cheese = hub.product("A-1").unwrap();
    assert_eq!(cheese.name, "Gouda, young");
    assert_eq!(cheese.unit.as_str(), "kg");
    assert_eq!(cheese.price.unwrap().to_decimal_string(), "2.49");
    assert_eq!(cheese.cost.unwrap().to_decimal_string(), "1.10");
    assert_eq!(cheese.barcodes[0].as_str(), "4006381333931");
    assert_eq!(cheese.attributes["origin"], "NL");
    assert_eq!(cheese.net_content.unwrap().thousandths(), 500);
    assert_eq!(cheese.minimum_age, Some(18));
    assert_eq!(cheese.pack_quantity.unwrap().thousandths(), 24_000);
    let bag = hub.product("B").unwrap();
    assert_eq!((bag.price, bag.parent.unwrap().as_str()), (None, "A-1"));
}

#[test]
fn several_rows_give_several_barcodes() {
    let mut hub = Hub::new();
    let summary = hub.products(
        "A,111,Milk,D,C,1.00,,USD,zero,each\n\
         B,222,Tea,,,2.00,,USD,zero,each\n\
         A,333,,,,,,,,\n\
         A,333,Milk,D,C,1.00,,USD,zero,each\n\
         A,444,Milk,D,C,1.01,,USD,zero,each\n",
    );
    assert_eq!(counts(&summary), (5, 4, 0, 1));
    let codes: Vec<String> = hub
        .product("A")
        .unwrap()
        .barcodes
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(codes, ["111", "333"]);
    assert_eq!(
        reasons(&summary),
        ["6: price: it differs from line 2, which has the same SKU: make them equal"]
    );
}

#[test]
fn the_same_file_changes_nothing_and_a_changed_row_is_one_delta() {
    let mut hub = Hub::new();
    let rows = "A,,Milk,,,1.00,,USD,zero,each\nB,,Tea,,,2.00,,USD,zero,each\n";
    assert_eq!(hub.products(rows).version, 1);
    let again = hub.products(rows);
    assert_eq!((counts(&again), again.version), ((2, 0, 2, 0), 1));
    let dearer = hub.products(&rows.replace("2.00", "2.10"));
    assert_eq!((counts(&dearer), dearer.version), ((2, 1, 1, 0), 2));
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let mut hub = Hub::new();
    let text = format!("{HEADER}A,,Milk,,,1.00,,USD,zero,each\nB,,,,,2.00,,USD,zero,each\n");
    let dry = hub.run(import_products, &text, true).unwrap();
    assert_eq!(hub.count(), 0);
    assert!(!hub.reject_file().exists());
    let real = hub.run(import_products, &text, false).unwrap();
    assert_eq!(counts(&dry), counts(&real));
    assert_eq!(dry.rejections, real.rejections);
    assert_eq!((dry.version, real.version, hub.count()), (0, 1, 1));
    assert!(dry.dry_run && dry.reject_file.is_none());
}

#[test]
fn each_wrong_field_is_named_with_what_to_do() {
    let mut hub = Hub::new();
    for (row, wanted) in [
        (",,Milk,,,1,,USD,zero,each", "sku: it is empty"),
        ("A,,,,,1,,USD,zero,each", "name: it is empty"),
        (
            "A,,Milk,,,1.234,,USD,zero,each",
            "price: amount 1.234 is too precise",
        ),
        (
            "A,,Milk,,,1;5,,USD,zero,each",
            "price: \"1;5\" is not an amount",
        ),
        ("A,,Milk,,,-1,,USD,zero,each", "price: -1 is below zero"),
        ("A,,Milk,,,1,-2,USD,zero,each", "cost: -2 is below zero"),
        ("A,,Milk,,,1,,,zero,each", "currency: price needs one"),
        (
            "A,,Milk,,,1,,DOLLAR,zero,each",
            "currency: currency \"DOLLAR\" is unknown",
        ),
        (
            "A,,Milk,,,99999999999999999999,,USD,zero,each",
            "price: amount",
        ),
        (
            "A,,Milk,,,1,,USD,luxury,each",
            "tax_class: the tax policy has no class luxury",
        ),
        ("A,,Milk,,,1,,USD,,each", "tax_class: it is empty"),
        ("A,,Milk,,,1,,USD,zero,", "unit: it is empty"),
        ("A,,Milk,,,1,,USD,zero,crate", "unit: \"crate\""),
        (
            "A,4006381333930,Milk,,,1,,USD,zero,each",
            "barcode: the check digit of 4006381333930 should be 1",
        ),
        (
            "A,Käse,Milk,,,1,,USD,zero,each",
            "barcode: \"Käse\" is not a barcode",
        ),
        (
            "A,,\"Mi\nlk\",,,1,,USD,zero,each",
            "name: it holds a line break",
        ),
        (
            "A,,Milk,,,1,,USD,zero",
            "the row has 9 fields and the header 10",
        ),
        ("A,,Milk, 2 l,,,1,,USD,zero,each", "the row has 11 fields"),
    ] {
        let reason = hub.refused(row);
        assert!(
            reason.starts_with(&format!("2: {wanted}")),
            "{row}: {reason}"
        );
    }
    assert_eq!(hub.count(), 0);
    let several = hub.refused("A,,,,,x,,USD,nope,box");
    for field in ["name:", "price:", "tax_class:", "unit:"] {
        assert!(several.contains(field), "{several}");
    }
    let long = hub.refused(&format!("A,,{},,,1,,USD,zero,each", "x".repeat(201)));
    assert!(long.contains("longer than 200"), "{long}");
}

#[test]
fn the_tax_policy_says_which_classes_there_are() {
    let mut hub = Hub::new();
    let row = "A,,Milk,,,1,,USD,food,each";
    assert!(hub.refused(row).contains("use zero"));
    let policy = r#"{"classes":{"drink":[]},"locations":{"S001":{"classes":{"food":[]}}}}"#;
    hub.store
        .batch_blocking(None, |batch| {
            let at = evertill_domain::Timestamp::from_millis(0);
            batch.put_policy(PolicyName::Tax, policy, "test", at)
        })
        .unwrap();
    assert_eq!(counts(&hub.products(row)), (1, 1, 0, 0));
}

#[test]
fn optional_columns_are_checked_as_well() {
    let mut hub = Hub::new();
    let header = HEADER.trim_end();
    for (column, value, wanted) in [
        ("parent", "A", "parent: a product cannot be its own parent"),
        ("parent", "GONE", "parent: no product has this SKU"),
        ("attributes", "red", "attributes: \"red\" is no pair"),
        ("attributes", "a=1;a=2", "attributes: \"a\" is there twice"),
        ("minimum_age", "old", "minimum_age: \"old\" does not fit"),
        ("minimum_age", "200", "minimum_age: \"200\" does not fit"),
        ("net_content", "5", "net_unit: net_content needs one"),
        ("net_unit", "g", "net_content: it is empty"),
        ("pack_quantity", "0", "pack_quantity: 0 is not above zero"),
        (
            "pack_quantity",
            "1.5",
            "pack_quantity: quantity 1.5 is too precise",
        ),
    ] {
        let text = format!("{header},{column}\nA,,Milk,,,1,,USD,zero,each,{value}\n");
        let summary = hub.run(import_products, &text, false).unwrap();
        let reason = reasons(&summary).remove(0);
        assert!(reason.starts_with(&format!("2: {wanted}")), "{reason}");
    }
}

#[test]
fn good_rows_stay_and_the_reject_file_can_be_mended() {
    let mut hub = Hub::new();
    let summary = hub.products(
        "A,,Milk,,,1.00,,USD,zero,each\n\
         B,,\"Tea, \"\"green\"\"\",,,x,,USD,zero,each\n\
         C,,Bread, white,,,3.00,,USD,zero,each\n\
         D,,Salt,,,0.50,,USD,zero,each\n",
    );
    assert_eq!(counts(&summary), (4, 2, 0, 2));
    assert_eq!(summary.reject_file, Some(hub.reject_file()));
    assert_eq!(hub.count(), 2);
    let rejects = std::fs::read_to_string(hub.reject_file()).unwrap();
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(lines[0], format!("{},line,reason", HEADER.trim_end()));
    assert_eq!(
        lines[1],
        "B,,\"Tea, \"\"green\"\"\",,,x,,USD,zero,each,3,\"price: \"\"x\"\" is not an amount: write a plain number such as 12.50\""
    );
    assert!(lines[2].contains(",4,"), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
    let mended = rejects.replace(",x,", ",2.20,").replace(
        "Bread, white,,,3.00,,USD,zero,\"each,each\"",
        "Bread,,,3.00,,USD,zero,each",
    );
    let summary = hub.run(import_products, &mended, false).unwrap();
    assert_eq!(
        hub.product("B").unwrap().name,
        "Tea, \"green\"",
        "{summary:?}"
    );
}

#[test]
fn an_unwritable_folder_beside_the_file_sends_rejects_to_the_data_folder() {
    let hub = Hub::new();
    let data = TempDir::new().unwrap();
    let mut options = ImportOptions {
        dry_run: false,
        reject_file: RejectFile::for_file(&hub.dir.path().join("no/such/in.csv"), data.path()),
        progress: &mut |_| (),
    };
    let text = format!("{HEADER}A,,,,,1,,USD,zero,each\n");
    let summary = import_products(&hub.store, text.as_bytes(), &mut options).unwrap();
    assert_eq!(
        summary.reject_file,
        Some(data.path().join("in.csv.rejects.csv"))
    );

    // Nowhere to write the rejects: nothing is imported.
    options.reject_file = RejectFile::for_file(
        &hub.dir.path().join("no/such/in.csv"),
        &hub.dir.path().join("gone"),
    );
    let text = format!("{HEADER}A,,,,,1,,USD,zero,each\nB,,Tea,,,1,,USD,zero,each\n");
    let error = import_products(&hub.store, text.as_bytes(), &mut options).unwrap_err();
    assert!(matches!(error, ImportError::RejectFile { .. }), "{error}");
    assert_eq!(hub.count(), 0);
}

#[test]
fn a_barcode_belongs_to_one_product() {
    let mut hub = Hub::new();
    let summary = hub.products(
        "A,111,Milk,,,1,,USD,zero,each\n\
         B,111,Tea,,,1,,USD,zero,each\n",
    );
    assert_eq!(
        reasons(&summary),
        ["3: barcode: line 2 gives it to A: keep one of them"]
    );
    let taken = hub.refused("C,111,Salt,,,1,,USD,zero,each\n");
    assert_eq!(taken, "2: barcode: it belongs to A: remove it there first");
    // The file gives A another barcode, so C may have its old one.
    let passed = hub.products("C,111,Salt,,,1,,USD,zero,each\nA,112,Milk,,,1,,USD,zero,each\n");
    assert_eq!(counts(&passed), (2, 2, 0, 0));
    let owner = hub
        .store
        .read_blocking(|view| view.by_barcode("111"))
        .unwrap();
    assert_eq!(owner.unwrap().sku.as_str(), "C");
}

#[test]
fn a_refused_row_takes_those_with_it_that_relied_on_it() {
    let mut hub = Hub::new();
    hub.products("X,111,Milk,,,1,,USD,zero,each\nP,222,Tea,,,1,,USD,zero,each\n");
    let text = format!(
        "{},parent\n\
         P,111,Tea,,,1,,USD,zero,each,\n\
         C,222,Cup,,,1,,USD,zero,each,\n\
         N,333,New,,,1,,USD,zero,each,GONE\n\
         V,444,Var,,,1,,USD,zero,each,N\n\
         W,555,Fine,,,1,,USD,zero,each,P\n",
        HEADER.trim_end()
    );
    // P may not take X's barcode, so it keeps its own, so C may not take that;
    // N has no parent, so V has none; P is still in the store, so W has one.
    let summary = hub.run(import_products, &text, false).unwrap();
    assert_eq!(
        reasons(&summary),
        [
            "2: barcode: it belongs to X: remove it there first",
            "3: barcode: it belongs to P: remove it there first",
            "4: parent: no product has this SKU: import it first or leave it empty",
            "5: parent: no product has this SKU: import it first or leave it empty",
        ]
    );
    assert_eq!(counts(&summary), (5, 1, 0, 4));
    assert!(hub.product("W").is_some());
}

#[test]
fn a_file_that_cannot_be_read_changes_nothing() {
    let mut hub = Hub::new();
    for (text, wanted) in [
        ("", "could not import the products file: the file is empty"),
        ("sku,name\n", "column \"barcode\" is missing"),
        ("{\"sku\": 1}\n", "unknown column"),
    ] {
        let error = hub.run(import_products, text, false).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
    let mut options = ImportOptions {
        dry_run: false,
        reject_file: RejectFile::for_upload("products", hub.dir.path()),
        progress: &mut |_| (),
    };
    let mut bytes = format!("{HEADER}A,,Milk,,,1,,USD,zero,each\nB,,Caf").into_bytes();
    bytes.push(0xe9);
    let error = import_products(&hub.store, &bytes, &mut options).unwrap_err();
    assert!(error.to_string().contains("line 3 is not UTF-8"), "{error}");
    assert_eq!((hub.count(), hub.store.live().version), (0, 0));
}

#[test]
fn progress_ends_at_the_whole_file() {
    let mut hub = Hub::new();
    let mut rows = String::new();
    for number in 0..2_500 {
        writeln!(rows, "S{number},,Milk,,,1,,USD,zero,each").unwrap();
    }
    hub.products(&rows);
    let steps: Vec<u64> = hub.progress.iter().map(|step| step.rows).collect();
    assert_eq!(steps, [1_000, 2_000, 2_500]);
    assert!(hub.progress.is_sorted_by_key(|step| step.bytes));
    let last = hub.progress.last().unwrap();
    assert_eq!(
        (last.bytes, last.bytes_total),
        (last.bytes_total, (HEADER.len() + rows.len()) as u64)
    );
}

#[test]
fn two_imports_at_once_both_arrive() {
    let hub = Hub::new();
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (store, dir) = (&hub.store, hub.dir.path());
            scope.spawn(move || {
                let mut text = HEADER.to_owned();
                for number in 0..300 {
                    writeln!(text, "P{part}-{number},,Milk,,,1,,USD,zero,each").unwrap();
                }
                let mut options = ImportOptions {
                    dry_run: false,
                    reject_file: RejectFile::for_upload("products", dir),
                    progress: &mut |_| (),
                };
                import_products(store, text.as_bytes(), &mut options).unwrap();
            });
        }
    });
    assert_eq!((hub.count(), hub.store.live().version), (1_200, 4));
}
