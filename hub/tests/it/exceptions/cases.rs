//! Cases in quarantine.

use serde_json::json;

use super::until;
use crate::client::{Folder, Hub, new_key};
use crate::store::Till;

/// A hub that holds a journal which contradicts itself.
fn contradicted() -> Hub {
    let folder = Folder::new();
    let (mut till, mut copy) = (Till::new("S001", 1), Till::new("S001", 1));
    till.sell(&[("A", 1)]);
    copy.sell(&[("A", 2)]);
    copy.sell(&[("A", 3)]);
    till.deliver(&folder.data()).unwrap();
    copy.deliver(&folder.data()).unwrap_err();
    Hub::on(folder)
}

#[test]
fn a_case_is_tried_again_from_its_problem() {
    let hub = contradicted();
    let open = "/exceptions?kind=quarantined_entry&state=open";
    until(&hub, open, |items| items.len() == 1);
    let path = format!("/exceptions/{}", hub.items(open)[0]["id"]);
    let offered = hub.get(&path).json()["actions"].clone();
    let all = json!(["acknowledge", "assign", "resolve", "retry", "dismiss"]);
    assert_eq!(offered, all);
    let key = new_key();
    let first = hub.post_as(&key, &format!("{path}/retry"), &json!({}));
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json()["state"], "resolved");
    assert_eq!(first.json()["history"][1]["action"], "retry");
    let again = hub.post_as(&key, &format!("{path}/retry"), &json!({}));
    assert_eq!(again.text, first.text, "the same request again");
    let case = &hub.items("/quarantine")[0];
    assert_eq!(
        (&case["state"], &case["resolved_by"]),
        (&json!("released"), &json!("test"))
    );
}

#[test]
fn a_case_that_was_settled_elsewhere_allows_nothing_more() {
    let hub = contradicted();
    let open = "/exceptions?kind=quarantined_entry&state=open";
    until(&hub, open, |items| items.len() == 1);
    let path = format!("/exceptions/{}", hub.items(open)[0]["id"]);
    let case = format!("/quarantine/{}/dismiss", hub.items("/quarantine")[0]["id"]);
    let headers = [("idempotency-key", "elsewhere")];
    assert_eq!(hub.request("POST", &case, &headers, b"").status, 200);
    let late = hub.post(&format!("{path}/dismiss"), &json!({}));
    assert!(late.status == 409, "{late:?}");
    until(&hub, open, <[_]>::is_empty);
}
