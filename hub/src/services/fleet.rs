//! The nodes of the chain: who they are, whether they are there, and how far
//! their journals are held.
//!
//! Invariant: every node that has a certificate or a journal here is listed,
//! once for each journal.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::{LocationId, NodeId, ReplicaId, Seq, Timestamp};
use evertill_storage::enrolments::{self, Certificate};
use evertill_storage::journal::{self, JournalState};
use evertill_storage::projection::{minters, seals};
use evertill_storage::quarantine::{self, CaseState};
use evertill_storage::{TableError, TableResult, completeness, rusqlite};

use super::ViewError;
use crate::state::Hub;

/// Open quarantine cases that are counted by journal.
const CASES_MAX: usize = 10_000;

/// A node with one of its journals.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that a person asks about"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetNode {
    /// Where it stands.
    pub location: LocationId,
    /// The machine.
    pub node: NodeId,
    /// The journal; `None` if it was enrolled and never sent one.
    pub replica: Option<ReplicaId>,
    /// Whether it is connected now.
    pub connected: bool,
    /// When it was last heard.
    pub last_contact: Option<Timestamp>,
    /// The last entry that is held here.
    pub applied: Seq,
    /// The last entry that it said it has.
    pub announced: Seq,
    /// Whether the location has nothing outstanding.
    pub complete: bool,
    /// Whether its journal broke and nothing more of it is taken.
    pub stopped: bool,
    /// Whether its certificates are revoked.
    pub revoked: bool,
    /// Whether its rights stand for good, because it is lost.
    pub sealed: bool,
    /// Whether it makes the rights of its location.
    pub minter: bool,
    /// Its open quarantine cases.
    pub quarantined: usize,
    /// The release that it runs, while it is connected.
    pub version: Option<String>,
}

/// What the database knows of the fleet.
struct Known {
    journals: Vec<JournalState>,
    certificates: Vec<Certificate>,
    incomplete: BTreeSet<LocationId>,
    sealed: BTreeMap<ReplicaId, Seq>,
    minters: BTreeSet<ReplicaId>,
    cases: Vec<ReplicaId>,
}

/// Every node, once for each of its journals.
///
/// # Errors
/// The database failed.
pub async fn list(hub: &Hub) -> Result<Vec<FleetNode>, ViewError> {
    let known = hub.store().read(known).await?;
    let mut nodes: Vec<FleetNode> = known
        .journals
        .iter()
        .map(|journal| known.with_journal(hub, journal))
        .collect();
    for certificate in &known.certificates {
        if !nodes.iter().any(|node| node.node == certificate.node) {
            nodes.push(known.without_journal(hub, certificate));
        }
    }
    Ok(nodes)
}

fn known(conn: &rusqlite::Connection) -> TableResult<Known> {
    let own = journal::identity(conn)?.map(|own| own.node);
    let cases = quarantine::page(conn, Some(CaseState::Open), None, CASES_MAX)?;
    Ok::<_, TableError>(Known {
        journals: journal::journals(conn)?
            .into_iter()
            .filter(|journal| Some(journal.node) != own)
            .collect(),
        certificates: enrolments::certificates(conn)?,
        incomplete: completeness::incomplete(conn)?,
        sealed: seals::all(conn)?,
        minters: minters::all(conn)?,
        cases: cases.into_iter().map(|case| case.replica).collect(),
    })
}

impl Known {
    fn with_journal(&self, hub: &Hub, journal: &JournalState) -> FleetNode {
        let live = hub.live().of(journal.node);
        FleetNode {
            location: journal.location.clone(),
            node: journal.node,
            replica: Some(journal.replica),
            connected: live.is_some(),
            last_contact: journal.heard_at,
            applied: journal.head.seq,
            announced: journal.announced.seq,
            complete: !self.incomplete.contains(&journal.location),
            stopped: journal.stopped,
            revoked: self.is_revoked(journal.node),
            sealed: self.sealed.contains_key(&journal.replica),
            minter: self.minters.contains(&journal.replica),
            quarantined: self
                .cases
                .iter()
                .filter(|replica| **replica == journal.replica)
                .count(),
            version: live.map(|live| live.version),
        }
    }

    fn without_journal(&self, hub: &Hub, certificate: &Certificate) -> FleetNode {
        let live = hub.live().of(certificate.node);
        FleetNode {
            location: certificate.location.clone(),
            node: certificate.node,
            replica: None,
            connected: live.is_some(),
            last_contact: live.as_ref().map(|live| live.since),
            applied: 0,
            announced: 0,
            complete: !self.incomplete.contains(&certificate.location),
            stopped: false,
            revoked: self.is_revoked(certificate.node),
            sealed: false,
            minter: false,
            quarantined: 0,
            version: live.map(|live| live.version),
        }
    }

    /// A node without any certificate here was never enrolled by this hub, and
    /// is not revoked either.
    fn is_revoked(&self, node: NodeId) -> bool {
        let mut own = self
            .certificates
            .iter()
            .filter(|certificate| certificate.node == node)
            .peekable();
        own.peek().is_some() && own.all(|certificate| certificate.revoked.is_some())
    }
}
