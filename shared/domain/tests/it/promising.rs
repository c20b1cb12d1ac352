//! The policies of promising.

use evertill_domain::policy::{
    ChannelPolicy, Known, Mentions, OnlinePolicy, PolicyError, RoutingPolicy, SafetyStockPolicy,
    TimerPolicy, Units,
};
use evertill_domain::product::{Location, LocationKind, Product};
use evertill_domain::{Currency, Timestamp};
use proptest::prelude::*;

fn product(sku: &str, category: &str) -> Product {
    let mut product = Product::new(sku.parse().unwrap(), sku);
    category.clone_into(&mut product.category);
    product
}

fn location(id: &str, kind: LocationKind) -> Location {
    let zone = "America/New_York".parse().unwrap();
    let mut location = Location::with_defaults(id.parse().unwrap(), Currency::USD, zone);
    location.kind = kind;
    location
}

fn store() -> Location {
    location("S001", LocationKind::Store)
}

#[test]
fn the_most_specific_safety_stock_holds_alone() {
    let policy: SafetyStockPolicy = serde_json::from_str(
        r#"{"default": "1", "rules": [
            {"scope": {"location": "S001"}, "units": "5"},
            {"scope": {"category": "MILK"}, "units": "3"},
            {"scope": {"category": "MILK", "location": "S001"}, "units": "4"},
            {"scope": {"sku": "M1"}, "units": "0.5"}]}"#,
    )
    .unwrap();
    assert_eq!(policy.validate(), []);
    let of = |sku, category, id: &str| {
        let found = policy.of(&product(sku, category), &location(id, LocationKind::Store));
        (found.0.to_string(), found.1)
    };
    assert_eq!(of("T1", "TEA", "S002"), ("1".to_owned(), None));
    assert_eq!(of("T1", "TEA", "S001"), ("5".to_owned(), Some(0)));
    assert_eq!(of("M2", "MILK", "S002"), ("3".to_owned(), Some(1)));
    assert_eq!(of("M2", "MILK", "S001"), ("4".to_owned(), Some(2)));
    assert_eq!(of("M1", "MILK", "S001"), ("0.5".to_owned(), Some(3)));
}

#[test]
fn a_class_of_products_stands_between_category_and_department() {
    let policy: SafetyStockPolicy = serde_json::from_str(
        r#"{"rules": [
            {"scope": {"department": "DAIRY"}, "units": "1"},
            {"scope": {"class": "A"}, "units": "2"},
            {"scope": {"class": "A", "location": "S001"}, "units": "3"},
            {"scope": {"category": "MILK"}, "units": "4"},
            {"scope": {"class": "B"}, "units": "5"}]}"#,
    )
    .unwrap();
    assert_eq!(policy.validate(), []);
    let mut fast = product("T1", "TEA");
    "DAIRY".clone_into(&mut fast.department);
    let of = |product: &Product, id: &str| {
        let found = policy.of(product, &location(id, LocationKind::Store));
        found.1
    };
    assert_eq!(of(&fast, "S002"), Some(0), "no class is in no class");
    fast.attributes.insert("class".to_owned(), "A".to_owned());
    assert_eq!(of(&fast, "S002"), Some(1));
    assert_eq!(of(&fast, "S001"), Some(2));
    "MILK".clone_into(&mut fast.category);
    assert_eq!(of(&fast, "S001"), Some(3));
}

#[test]
fn every_number_has_a_bound_and_the_remedy_names_it() {
    let pointers = |errors: Vec<PolicyError>| {
        assert!(errors.iter().all(|error| error.detail.len() > 10));
        let pointers = errors.into_iter().map(|error| error.pointer);
        pointers.collect::<Vec<_>>()
    };
    let stock: SafetyStockPolicy = serde_json::from_str(
        r#"{"default": "1000001", "rules": [
            {"scope": {"category": " "}, "units": "1000000.001"}]}"#,
    )
    .unwrap();
    let expected = ["/default", "/rules/0/units", "/rules/0/scope/category"];
    assert_eq!(pointers(stock.validate()), expected);
    let online: OnlinePolicy = serde_json::from_str(
        r#"{"default": {"silence_limit_minutes": 525601, "caution_per_mille": 100001,
                        "keep": "1000001"}}"#,
    )
    .unwrap();
    let expected = [
        "/default/silence_limit_minutes",
        "/default/caution_per_mille",
        "/default/keep",
    ];
    assert_eq!(pointers(online.validate()), expected);
    let timers: TimerPolicy =
        serde_json::from_str(r#"{"pick_minutes": 129601, "ready_minutes": 129600}"#).unwrap();
    assert_eq!(pointers(timers.validate()), ["/pick_minutes"]);
    let routing: RoutingPolicy = serde_json::from_str(
        r#"{"max_distance_km": 20039, "max_attempts": 1001, "cool_down_minutes": 4294967295}"#,
    )
    .unwrap();
    let expected = ["/cool_down_minutes", "/max_attempts", "/max_distance_km"];
    assert_eq!(pointers(routing.validate()), expected);
    let channels: ChannelPolicy = serde_json::from_str(
        r#"{"reserves": [{"channel": "web", "units": "1000001", "scope": {"class": ""},
                          "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}]}"#,
    )
    .unwrap();
    let expected = [
        "/reserves/0/to",
        "/reserves/0/units",
        "/reserves/0/scope/class",
    ];
    assert_eq!(pointers(channels.validate()), expected);
}

#[test]
fn names_that_nothing_has_are_told_and_others_are_not() {
    let mut tea = product("T1", "TEA");
    tea.attributes.insert("class".to_owned(), "A".to_owned());
    let known = Known {
        products: [(tea.sku.clone(), tea)].into(),
        categories: ["TEA".to_owned()].into(),
        classes: ["A".to_owned()].into(),
        departments: [String::new()].into(),
        locations: [("S001".parse().unwrap(), LocationKind::Store)].into(),
        channels: ["web".parse().unwrap()].into(),
    };
    let told = |mentions: Mentions| {
        let unknown = mentions.unknown(&known).into_iter();
        unknown.map(|error| error.to_string()).collect::<Vec<_>>()
    };
    let stock: SafetyStockPolicy = serde_json::from_str(
        r#"{"rules": [
            {"scope": {"sku": "T1", "class": "A", "location": "S001"}, "units": "1"},
            {"scope": {"sku": "T2"}, "units": "1"},
            {"scope": {"category": "tea"}, "units": "1"},
            {"scope": {"sku": "T1", "category": "MILK", "location": "S002"}, "units": "1"},
            {"scope": {"location": "S001", "location_kind": "warehouse"}, "units": "1"}]}"#,
    )
    .unwrap();
    assert_eq!(
        told(stock.mentions()),
        [
            "/rules/1/scope/sku: no product T2 is known; check its spelling, or import it",
            "/rules/2/scope/category: no product has the category tea; write TEA, if that is meant",
            "/rules/3/scope/category: no product has the category MILK; check its spelling",
            "/rules/3/scope/category: T1 is not of the category MILK, so the rule matches \
             nothing; leave the category out",
            "/rules/3/scope/location: no location S002 is known; check its spelling, or import it",
            "/rules/4/scope/location_kind: S001 is a store, so the rule matches nothing; leave \
             the kind out",
        ]
    );
    let channels: ChannelPolicy = serde_json::from_str(
        r#"{"channels": {"web": {"priority": 1, "share_per_mille": 1000}},
            "exclusions": [{"channel": "wbe", "scope": {"location_kind": "supplier"}}]}"#,
    )
    .unwrap();
    assert_eq!(
        told(channels.mentions()),
        [
            "/exclusions/0/channel: no order ever came from channel wbe; check its spelling",
            "/exclusions/0/scope/location_kind: no location is a supplier; the rule matches \
             nothing yet",
        ]
    );
    let online: OnlinePolicy =
        serde_json::from_str(r#"{"locations": {"S001": {}, "S003": {}}, "kinds": {"store": {}}}"#)
            .unwrap();
    assert_eq!(
        told(online.mentions()),
        ["/locations/S003: no location S003 is known; check its spelling, or import it"]
    );
}

#[test]
fn two_rules_about_the_same_are_refused() {
    let policy: SafetyStockPolicy = serde_json::from_str(
        r#"{"rules": [{"scope": {"sku": "A"}, "units": "1"}, {"scope": {"sku": "A"}, "units": "2"}]}"#,
    )
    .unwrap();
    let errors = policy.validate();
    assert_eq!(errors[0].pointer, "/rules/1/scope");
}

#[test]
fn nonsense_does_not_parse() {
    for units in ["-1", "1.0001", "many", "1e3", "2000000000"] {
        assert!(units.parse::<Units>().is_err(), "{units}");
    }
    assert!(serde_json::from_str::<SafetyStockPolicy>(r#"{"defualt": "1"}"#).is_err());
    assert!(serde_json::from_str::<TimerPolicy>(r#"{"accept_minutes": -1}"#).is_err());
    let timers: TimerPolicy = serde_json::from_str(r#"{"pick_minutes": 0}"#).unwrap();
    assert_eq!(timers.validate()[0].pointer, "/pick_minutes");
    assert_eq!(TimerPolicy::default().validate(), []);
}

#[test]
fn a_location_has_the_nearest_online_rule() {
    let policy: OnlinePolicy = serde_json::from_str(
        r#"{"kinds": {"warehouse": {"web_first": true}},
            "locations": {"S009": {"share_per_mille": 100, "keep": "4"}}}"#,
    )
    .unwrap();
    assert_eq!(policy.validate(), []);
    let share = |id: &str, kind| policy.of(&location(id, kind)).share(1_000);
    let warehouse = share("W001", LocationKind::Warehouse);
    assert_eq!((warehouse.per_mille, warehouse.keep), (1_000, 0));
    let own = share("S009", LocationKind::Store);
    assert_eq!((own.per_mille, own.keep), (100, 4_000));
    let installed = share("S001", LocationKind::Store);
    assert_eq!((installed.per_mille, installed.keep), (900, 0));
    let wrong: OnlinePolicy =
        serde_json::from_str(r#"{"default": {"share_per_mille": 1001}}"#).unwrap();
    assert_eq!(wrong.validate()[0].pointer, "/default/share_per_mille");
}

#[test]
fn silence_costs_what_tills_sell_meanwhile_and_ends_in_suspension() {
    let policy = OnlinePolicy::default();
    let rule = policy.of(&store());
    // Eight a day, half a day, one and a half times.
    assert_eq!(rule.expected_since_contact(8_000, 43_200), 6_000);
    assert_eq!(rule.expected_since_contact(8_000, 0), 0);
    assert_eq!(rule.expected_since_contact(1, 1), 1);
    assert!(!rule.is_suspended(3 * 3_600 - 1));
    assert!(rule.is_suspended(3 * 3_600));
}

#[test]
fn a_channel_gets_its_share_less_what_is_reserved_for_others() {
    let policy: ChannelPolicy = serde_json::from_str(
        r#"{"channels": {"market": {"priority": 2, "share_per_mille": 300}},
            "reserves": [{"channel": "web", "scope": {"sku": "A"}, "units": "8",
                          "from": "2026-11-27T00:00:00Z", "to": "2026-11-28T00:00:00Z"}],
            "exclusions": [{"channel": "market", "scope": {"category": "WINE"}}]}"#,
    )
    .unwrap();
    assert_eq!(policy.validate(), []);
    let (market, web) = ("market".parse().unwrap(), "web".parse().unwrap());
    let (before, during): (Timestamp, Timestamp) = (
        "2026-11-26T12:00:00Z".parse().unwrap(),
        "2026-11-27T12:00:00Z".parse().unwrap(),
    );
    let a = product("A", "TEA");
    let kept = |channel, at| {
        let kept = policy.kept_from(channel, (&a, &store()), 10_000, at);
        kept.quantity()
    };
    assert_eq!(kept(&market, before), 7_000);
    assert_eq!(kept(&market, during), 8_000);
    assert_eq!(kept(&web, during), 0);
    let wine = product("B", "WINE");
    assert_eq!(policy.exclusion(&market, &wine, &store()), Some(0));
    assert_eq!(policy.exclusion(&web, &wine, &store()), None);
}

proptest! {
    #[test]
    fn what_is_kept_lies_between_nothing_and_everything(
        share in 0_u16..1_000, units in 0_u32..50, rights in -5_000_i64..50_000,
    ) {
        let text = format!(
            r#"{{"channels": {{"web": {{"priority": 1, "share_per_mille": {share}}}}},
                "reserves": [{{"channel": "market", "units": "{units}",
                "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}}]}}"#
        );
        let policy: ChannelPolicy = serde_json::from_str(&text).unwrap();
        let at = "2026-06-01T00:00:00Z".parse().unwrap();
        let web = "web".parse().unwrap();
        let kept = policy.kept_from(&web, (&product("A", ""), &store()), rights, at);
        let kept = kept.quantity();
        prop_assert!((0..=rights.max(0)).contains(&kept));
        let again = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<ChannelPolicy>(&again).unwrap(), policy);
    }
}
