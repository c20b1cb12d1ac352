//! Deliberate mistakes about rights, to prove that the oracles see them.

/// A mistake that a schedule can be told to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RightsBug {
    /// The hub mints too, from the stock that it sees.
    EveryReplicaMints,
    /// What is received is minted, whatever is outstanding.
    MintByReceipt,
    /// The hub gives a cancelled promise back before the node has withdrawn it.
    ReleaseBeforeWithdrawal,
    /// A broken promise gives its right back.
    BreachKeepsTheRight,
    /// The hub settles before it has drained the node.
    SettleInCatchUp,
    /// A new node counts and mints before the old journal came back.
    CountBeforeReturn,
    /// A restored node goes on with the rights of its copy.
    ResumeAfterRestore,
    /// The hub promises while the product is in debt.
    PromiseInDebt,
    /// A hand-over takes the unit and leaves the promise alive.
    HandOverLeavesPromise,
    /// A grant leaves before it is on stable storage.
    GrantBeforeFsync,
    /// A sale burns no rights.
    SaleBurnsNothing,
    /// The hub promises one unit more than its rights.
    PromiseBeyondRights,
    /// What arrives twice is burned twice.
    BurnTwice,
    /// A lost node's rights stay in force beside its successor's.
    ReplaceWithoutSeal,
    /// A grant also stays with the node.
    GrantWithoutDebit,
    /// A cancelled promise that was withdrawn is given back twice.
    ReleaseTwice,
    /// The node hands over what it has withdrawn.
    HandOverAfterWithdrawal,
    /// The node promises from a mint that no second medium holds, and says so.
    UseUnacknowledgedMint,
}

impl RightsBug {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::EveryReplicaMints,
        Self::MintByReceipt,
        Self::ReleaseBeforeWithdrawal,
        Self::BreachKeepsTheRight,
        Self::SettleInCatchUp,
        Self::CountBeforeReturn,
        Self::ResumeAfterRestore,
        Self::PromiseInDebt,
        Self::HandOverLeavesPromise,
        Self::GrantBeforeFsync,
        Self::SaleBurnsNothing,
        Self::PromiseBeyondRights,
        Self::BurnTwice,
        Self::ReplaceWithoutSeal,
        Self::GrantWithoutDebit,
        Self::ReleaseTwice,
        Self::HandOverAfterWithdrawal,
        Self::UseUnacknowledgedMint,
    ];
}
