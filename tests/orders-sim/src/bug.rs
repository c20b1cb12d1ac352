//! Deliberate mistakes, to prove that the oracles see them. Each is a variant at
//! a boundary of the real services: a step left out, a table changed behind their
//! back, calls in the wrong order.

/// A mistake that a run can be told to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// The hub mints too, from the stock that it sees.
    EveryReplicaMints,
    /// What is received is minted, whatever is outstanding.
    MintByReceipt,
    /// The hub gives a cancelled promise back before the node has withdrawn it.
    ReleaseBeforeWithdrawal,
    /// A suspected breach is called missing, and no promise ends.
    BreachKeepsThePromise,
    /// A hand-over takes the goods and leaves the promise alive.
    HandOverEndsNothing,
    /// A conflict of an order opens no exception.
    ConflictWithoutException,
    /// A conflict of an order opens a second exception.
    ConflictTwice,
    /// Goods that are kept for a cart are sold to others.
    SoftHoldsForgotten,
    /// An item of a feed is left out.
    FeedItemLost,
    /// A refund is recorded twice.
    RefundTwice,
    /// Goods that go back on the shelf are recorded twice.
    PutBackTwice,
    /// A clerk hands over without the code.
    CodeUnchecked,
    /// A sale burns no rights.
    SaleBurnsNothing,
    /// A node's grant is used, and the node forgets it when it is killed.
    GrantBeforeDurable,
    /// A node goes on with the rights of an old copy of its folder.
    ResumeOldCopy,
    /// A grant also stays with the node.
    GrantWithoutDebit,
    /// What was given back once is given back once more.
    ReleaseTwice,
    /// A node forgets what it has to withdraw.
    WithdrawalForgotten,
    /// The hub forgets an order that it has to look after.
    DutyForgotten,
    /// A burn is applied twice at the hub.
    BurnTwice,
    /// A count is held against what its counter had not seen.
    CountAgainstNow,
    /// One person seals a lost replica alone.
    OnePersonSeals,
    /// Nobody is told of the promises of a sealed replica.
    SealedPromisesUntold,
    /// What a sealed replica says of its rights later counts.
    SealedCellsCount,
    /// A successor does not know that the replica before it is sealed.
    SealIgnored,
    /// What a sealed replica tells late is left out of the stock.
    LateFactsDropped,
    /// A successor is named before it has the history.
    NamedBeforeReturned,
    /// A fresh machine takes itself for the minter, and posts counts.
    CountBeforeHello,
    /// A successor mints before its products are counted.
    MintBeforeCount,
    /// The hub settles what it has heard in part.
    SettleInCatchUp,
    /// The hub promises what is owed.
    PromiseInDebt,
    /// The safety stock is minted too.
    MintSafetyStock,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::EveryReplicaMints,
        Self::MintByReceipt,
        Self::ReleaseBeforeWithdrawal,
        Self::BreachKeepsThePromise,
        Self::HandOverEndsNothing,
        Self::ConflictWithoutException,
        Self::ConflictTwice,
        Self::SoftHoldsForgotten,
        Self::FeedItemLost,
        Self::RefundTwice,
        Self::PutBackTwice,
        Self::CodeUnchecked,
        Self::SaleBurnsNothing,
        Self::GrantBeforeDurable,
        Self::ResumeOldCopy,
        Self::GrantWithoutDebit,
        Self::ReleaseTwice,
        Self::WithdrawalForgotten,
        Self::DutyForgotten,
        Self::BurnTwice,
        Self::CountAgainstNow,
        Self::OnePersonSeals,
        Self::SealedPromisesUntold,
        Self::SealedCellsCount,
        Self::SealIgnored,
        Self::LateFactsDropped,
        Self::NamedBeforeReturned,
        Self::CountBeforeHello,
        Self::MintBeforeCount,
        Self::SettleInCatchUp,
        Self::PromiseInDebt,
        Self::MintSafetyStock,
    ];
}
