//! Policies: history, cache, and what belongs together in one view.

use evertill_domain::Timestamp;
use evertill_storage::reference::{Change, Cursor, Kind, PolicyName, Row, View};

use super::*;

const TAX: &str = r#"{"classes":{"food":[{"code":"T","rate":"0.02"}]}}"#;

fn put_policy(
    hub: &ReferenceStore,
    name: PolicyName,
    body: &str,
) -> Result<Change, ReferenceError> {
    hub.batch_blocking(None, |batch| {
        batch.put_policy(name, body, "operator", Timestamp::from_millis(1_000))
    })
    .map(|(change, _)| change)
}

fn food(store: &ReferenceStore) -> Option<String> {
    let policies = store.policies();
    let rates = policies
        .tax
        .rates(&"S001".parse().unwrap(), &"food".parse().unwrap())?;
    Some(rates[0].rate.to_string())
}

#[test]
fn a_policy_reaches_the_node_and_both_caches() {
    let (hub, node) = (Bench::hub(), Bench::node());
    assert_eq!((food(&hub.store), food(&node.store)), (None, None));
    assert_eq!(
        put_policy(&hub.store, PolicyName::Tax, TAX).unwrap(),
        Change::Added
    );
    pull(&hub.store, &node.store, PAGE);
    assert_eq!(food(&hub.store).as_deref(), Some("0.02"));
    assert_eq!(food(&node.store).as_deref(), Some("0.02"));
    let dearer = TAX.replace("0.02", "0.03");
    assert_eq!(
        put_policy(&hub.store, PolicyName::Tax, &dearer).unwrap(),
        Change::Updated
    );
    assert_eq!(food(&hub.store).as_deref(), Some("0.03"));
    assert_eq!(food(&node.store).as_deref(), Some("0.02"));
    pull(&hub.store, &node.store, PAGE);
    assert_eq!(food(&node.store).as_deref(), Some("0.03"));
    let node = node.reopen(Role::Node);
    assert_eq!(food(&node.store).as_deref(), Some("0.03"));
}

#[test]
fn every_revision_stays_in_the_history() {
    let hub = Bench::hub();
    put_policy(&hub.store, PolicyName::Tax, TAX).unwrap();
    let spaced = TAX.replace(':', " : ");
    assert_eq!(
        put_policy(&hub.store, PolicyName::Tax, &spaced).unwrap(),
        Change::Unchanged
    );
    put_policy(&hub.store, PolicyName::Tax, "{}").unwrap();
    let (history, current) = hub
        .store
        .read_blocking(|view| {
            Ok::<_, ReferenceError>((
                view.policy_history(PolicyName::Tax)?,
                view.policy(PolicyName::Tax)?,
            ))
        })
        .unwrap();
    let steps: Vec<_> = history
        .iter()
        .map(|step| {
            (
                step.policy.revision,
                step.policy.version,
                step.author.as_str(),
            )
        })
        .collect();
    assert_eq!(steps, [(1, 1, "operator"), (2, 2, "operator")]);
    assert!(history[0].policy.body.contains("\"food\""));
    assert_eq!(history[1].at, Timestamp::from_millis(1_000));
    assert_eq!(current.as_ref(), Some(&history[1].policy));
}

#[test]
fn a_body_that_is_no_policy_is_refused_and_leaves_nothing() {
    let hub = Bench::hub();
    for body in [
        "",
        "[]",
        r#"{"clases":{}}"#,
        r#"{"classes":{"food":[{"code":"T","rate":"much"}]}}"#,
    ] {
        let error = put_policy(&hub.store, PolicyName::Tax, body).unwrap_err();
        assert!(
            error.to_string().starts_with("the tax policy is not valid"),
            "{error}"
        );
    }
    assert!(put_policy(&hub.store, PolicyName::Rounding, TAX).is_err());
    assert_eq!(hub.store.live().version, 0);
    assert!(
        "taxes"
            .parse::<PolicyName>()
            .unwrap_err()
            .to_string()
            .contains("rounding")
    );
}

#[test]
fn a_view_keeps_the_policies_of_its_own_version() {
    let hub = Bench::hub();
    put_policy(&hub.store, PolicyName::Tax, TAX).unwrap();
    put(&hub.store, [product(1)]);
    let class = |policies: &evertill_domain::policy::Policies| {
        policies.tax.classes.keys().next().map(ToString::to_string)
    };
    hub.store
        .read_blocking(|view| {
            let before = view.product(&sku(1))?;
            hub.store.batch_blocking(None, |batch| {
                batch.put_policy(PolicyName::Tax, "{}", "operator", Timestamp::from_millis(2))?;
                batch.remove_product(&sku(1))
            })?;
            assert_eq!(class(&hub.store.policies()), None);
            assert_eq!(class(&*view.policies()?).as_deref(), Some("food"));
            assert_eq!(view.product(&sku(1))?, before);
            assert_eq!(view.position().version, 2);
            Ok::<_, ReferenceError>(())
        })
        .unwrap();
    let after = hub.store.read_blocking(View::policies).unwrap();
    assert_eq!(class(&after), None);
}

/// A payload as a hub writes it: `[layout, revision, body]`.
fn payload(layout: u8, body: &str) -> Vec<u8> {
    let mut bytes = vec![0x83, layout, 0x01, 0x79];
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body.as_bytes());
    bytes
}

#[test]
fn a_node_goes_on_with_a_policy_of_a_newer_hub() {
    let node = Bench::node();
    let stage = |version: u64, base: u64, payload: Vec<u8>| {
        let cursor = Cursor {
            version,
            kind: Kind::POLICY,
            key: "tax".to_owned(),
        };
        let row = Row {
            kind: Kind::POLICY,
            key: "tax".to_owned(),
            version,
            payload: Some(payload),
        };
        let page = Page {
            hub: 3,
            base,
            after: None,
            rows: vec![row],
            next: Some(cursor),
            complete: Some(version),
        };
        node.store.stage_blocking(&page).unwrap();
    };
    // Settings it does not know are passed over.
    let newer =
        r#"{"surcharge":true,"classes":{"food":[{"code":"T","rate":"0.02","from":"2030-01-01"}]}}"#;
    stage(1, 0, payload(1, newer));
    assert_eq!(food(&node.store).as_deref(), Some("0.02"));
    // A layout it cannot read leaves the default, and the node starts with it.
    stage(2, 1, payload(9, newer));
    assert_eq!(food(&node.store), None);
    let node = node.reopen(Role::Node);
    assert_eq!((food(&node.store), node.store.live().version), (None, 2));
}

#[test]
fn the_policies_of_promises_reach_the_node_as_one_snapshot() {
    let (hub, node) = (Bench::hub(), Bench::node());
    let bodies = [
        (
            PolicyName::SafetyStock,
            r#"{"default":"1","rules":[{"scope":{"sku":"A","location_kind":"store"},"units":"2.5"}]}"#,
        ),
        (
            PolicyName::Channels,
            r#"{"channels":{"web":{"priority":1,"share_per_mille":800}},"exclusions":[{"channel":"web","scope":{"category":"ICE"}}]}"#,
        ),
        (
            PolicyName::Online,
            r#"{"kinds":{"store":{"share_per_mille":500}},"locations":{"S001":{"web_first":true}}}"#,
        ),
        (
            PolicyName::Routing,
            r#"{"relax":["capacity"],"max_distance_km":40,"weights":{"cost":9}}"#,
        ),
        (PolicyName::Timers, r#"{"pick_minutes":7}"#),
    ];
    for (name, body) in bodies {
        assert_eq!(put_policy(&hub.store, name, body).unwrap(), Change::Added);
    }
    pull(&hub.store, &node.store, PAGE);
    let snapshot = |store: &ReferenceStore| store.read_blocking(View::selling).unwrap();
    let (at_hub, at_node) = (snapshot(&hub.store), snapshot(&node.store));
    assert_eq!(at_hub, at_node);
    assert_eq!(at_node.safety_stock.rules[0].units.thousandths(), 2_500);
    let web = &at_node.channels.channels[&"web".parse().unwrap()];
    assert_eq!(web.share_per_mille, 800);
    assert_eq!(at_node.channels.exclusions.len(), 1);
    assert!(at_node.online.locations[&"S001".parse().unwrap()].web_first);
    assert_eq!(at_node.online.kinds.len(), 1);
    assert_eq!(at_node.routing.max_distance_km, Some(40));
    assert_eq!(
        (at_node.routing.weights.cost, at_node.routing.weights.depth),
        (9, 2)
    );
    assert_eq!(
        (at_node.routing.relax.len(), at_node.routing_revision),
        (1, 1)
    );
    assert_eq!(at_node.timers.pick_minutes, 7);
    assert_eq!(at_node.timers.accept_minutes, 30);
    // The mistake is named, and nothing was put.
    for (name, body, named) in [
        (PolicyName::Timers, r#"{"pick_minutes":0}"#, "/pick_minutes"),
        (
            PolicyName::Online,
            r#"{"default":{"share_per_mille":1001}}"#,
            "/default/share_per_mille",
        ),
        (PolicyName::Routing, r#"{"weight":{}}"#, "weight"),
        (PolicyName::SafetyStock, r#"{"default":"-1"}"#, "-1"),
        (
            PolicyName::Channels,
            r#"{"channels":{"web":{"priority":1,"share_per_mille":2000}}}"#,
            "/channels/web",
        ),
    ] {
        let error = put_policy(&hub.store, name, body).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(snapshot(&hub.store), at_hub);
}
