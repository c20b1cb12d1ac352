//! Location files.

use super::*;

const LOCATIONS: &str = "location,name,kind,legal_entity,tax_id,address,country,region,timezone,\
                         currency,latitude,longitude,opening_hours,pick_capacity,brand\n";

fn listed(hub: &Hub, id: &str) -> Option<evertill_domain::Location> {
    hub.store
        .read_blocking(|view| view.listed_location(&id.parse().unwrap()))
        .unwrap()
}

#[test]
fn a_full_row_and_a_bare_one() {
    let mut hub = Hub::new();
    let text = format!(
        "{LOCATIONS}S001,High Street,store,Evertill GmbH,DE123,\"1 High St, Town\",DE,Berlin,\
         Europe/Berlin,EUR,52.52,-13.405,Mo-Sa 08:00-20:00,40,Ever\n\
         W1,,warehouse,,,,,,,,,,,,\n"
    );
    let summary = hub.locations(&text);
    assert_eq!((counts(&summary), summary.version), ((2, 2, 0, 0), 1));
    let store = listed(&hub, "S001").unwrap();
    assert_eq!(store.address, "1 High St, Town");
    assert_eq!(store.time_zone.as_str(), "Europe/Berlin");
    assert_eq!(store.longitude.unwrap().to_string(), "-13.405");
    assert_eq!(
        (store.pick_capacity, store.brand.as_str()),
        (Some(40), "Ever")
    );
    let warehouse = listed(&hub, "W1").unwrap();
    assert_eq!(
        (warehouse.kind.as_str(), warehouse.name.as_str()),
        ("warehouse", "W1")
    );
    assert_eq!(
        (warehouse.currency.code(), warehouse.time_zone.as_str()),
        ("USD", "UTC")
    );
    let again = hub.locations(&text);
    assert_eq!((counts(&again), again.version), ((2, 0, 2, 0), 1));
}

#[test]
fn each_wrong_field_is_named() {
    let mut hub = Hub::new();
    for (row, wanted) in [
        (",A,store,,,,,,,,,,,,", "location: it is empty"),
        (
            "s001,A,store,,,,,,,,,,,,",
            "location: \"s001\" is not a location",
        ),
        ("S1,A,kiosk,,,,,,,,,,,,", "kind: \"kiosk\" is no kind"),
        ("S1,A,,,,,,,Mars/Olympus,,,,,,", "timezone: "),
        (
            "S1,A,,,,,,,,YYY,,,,,",
            "currency: currency \"YYY\" is unknown",
        ),
        ("S1,A,,,,,,,,,91,0,,,", "latitude: \"91\" does not fit"),
        ("S1,A,,,,,,,,,1,-181,,,", "longitude: \"-181\" does not fit"),
        ("S1,A,,,,,,,,,1,,,,", "longitude: it is empty"),
        ("S1,A,,,,,,,,,,,,-4,", "pick_capacity: \"-4\" does not fit"),
        (
            "S1,A,,,,,,,,,,,8-20 daily,,",
            "opening_hours: \"8-20 daily\" cannot be read as opening hours: a time is written \
             from 00:00 to 24:00, not \"8-20\"; write them such as Mo-Fr 08:00-20:00;",
        ),
        ("S1,A", "the row has 2 fields and the header 15"),
    ] {
        let summary = hub.locations(&format!("{LOCATIONS}{row}\n"));
        let reason = reasons(&summary).remove(0);
        assert!(
            reason.starts_with(&format!("2: {wanted}")),
            "{row}: {reason}"
        );
    }
    let twice = hub.locations(&format!(
        "{LOCATIONS}S1,A,,,,,,,,,,,,,\nS1,B,,,,,,,,,,,,,\n"
    ));
    assert_eq!(
        reasons(&twice),
        ["3: location: line 2 has it already: keep one of them"]
    );
    assert_eq!(listed(&hub, "S1").unwrap().name, "A");
}
