-- The journal side of a node's or hub's database. Both have every table: what
-- differs is who writes it.
--
-- Ids of 64 bits (replica, node) are stored as the signed integer of the same
-- bits; actors, documents and hashes as blobs of 16 or 32 bytes; times in
-- milliseconds since 1970; quantities in thousandths; money in minor units.
-- A watermark that holds nothing has seq 0 and the genesis hash.

-- ---------------------------------------------------------------------------
-- Source: never derived, never rebuilt.

-- Who this database is: one row once the first start is written.
CREATE TABLE local (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    replica  INTEGER NOT NULL,
    node     INTEGER NOT NULL,
    location TEXT    NOT NULL,
    actor    BLOB    NOT NULL CHECK (length(actor) = 16),
    hlc      INTEGER NOT NULL
) STRICT;

-- The journals held here, the own one among them, with their heads.
CREATE TABLE journal (
    replica        INTEGER PRIMARY KEY,
    node           INTEGER NOT NULL,
    location       TEXT    NOT NULL,
    head_seq       INTEGER NOT NULL,
    head_hash      BLOB    NOT NULL CHECK (length(head_hash) = 32),
    -- The head that its owner last said it has: "complete" means that this is held.
    announced_seq  INTEGER NOT NULL,
    announced_hash BLOB    NOT NULL CHECK (length(announced_hash) = 32),
    -- What the peer has confirmed to hold durably.
    acked_seq      INTEGER NOT NULL,
    acked_hash     BLOB    NOT NULL CHECK (length(acked_hash) = 32),
    -- 1 after a broken chain, until a person resolves it.
    stopped        INTEGER NOT NULL CHECK (stopped IN (0, 1)),
    -- When its owner was last heard.
    heard_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX journal_by_location ON journal (location, replica);

-- Every entry, in the order in which it was stored here. `receipts` counts the
-- receipts that the entry added (0 while it is parked); it is derived.
CREATE TABLE entry (
    arrival  INTEGER PRIMARY KEY,
    replica  INTEGER NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq > 0),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    receipts INTEGER NOT NULL,
    bytes    BLOB    NOT NULL,
    UNIQUE (replica, seq)
) STRICT;

-- The feeds held here: at the hub one it writes for each location, at a node
-- the ones it received.
CREATE TABLE feed (
    hub       INTEGER NOT NULL,
    location  TEXT    NOT NULL,
    head_seq  INTEGER NOT NULL,
    head_hash BLOB    NOT NULL CHECK (length(head_hash) = 32),
    stopped   INTEGER NOT NULL CHECK (stopped IN (0, 1)),
    PRIMARY KEY (hub, location)
) STRICT, WITHOUT ROWID;

-- Feed items share the arrival order of the entries, so that a rebuild repeats
-- the order in which things were applied.
CREATE TABLE feed_item (
    arrival    INTEGER PRIMARY KEY,
    hub        INTEGER NOT NULL,
    location   TEXT    NOT NULL,
    seq        INTEGER NOT NULL CHECK (seq > 0),
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    origin     INTEGER NOT NULL,
    origin_seq INTEGER NOT NULL,
    bytes      BLOB    NOT NULL,
    UNIQUE (hub, location, seq)
) STRICT;
CREATE INDEX feed_item_by_origin ON feed_item (origin, origin_seq);

-- How far each node has durably taken its location's feed (hub).
CREATE TABLE feed_reader (
    hub        INTEGER NOT NULL,
    location   TEXT    NOT NULL,
    node       INTEGER NOT NULL,
    acked_seq  INTEGER NOT NULL,
    acked_hash BLOB    NOT NULL CHECK (length(acked_hash) = 32),
    acked_at   INTEGER NOT NULL,
    PRIMARY KEY (hub, location, node)
) STRICT, WITHOUT ROWID;

-- What could not be applied, for a person. Kinds: entry and feed_item (stored
-- and acknowledged, not applied), replica and feed (chain broken, stopped).
-- `bytes` holds what was refused where no table keeps it; `waits_for` is the
-- document whose arrival lets the entry apply by itself, empty if none.
-- `released_after` and `resolution` place a late application in the order of
-- arrivals, for the rebuild.
CREATE TABLE quarantine (
    id             INTEGER PRIMARY KEY,
    kind           TEXT    NOT NULL CHECK (kind IN ('entry', 'feed_item', 'replica', 'feed')),
    replica        INTEGER NOT NULL,
    location       TEXT    NOT NULL,
    seq            INTEGER NOT NULL,
    arrival        INTEGER NOT NULL,
    rule           TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    waits_for      BLOB    NOT NULL,
    bytes          BLOB    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('open', 'released', 'dismissed')),
    opened_at      INTEGER NOT NULL,
    resolved_at    INTEGER NOT NULL,
    resolved_by    TEXT    NOT NULL,
    released_after INTEGER NOT NULL,
    resolution     INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_open ON quarantine (state, kind, waits_for);
CREATE INDEX quarantine_by_arrival ON quarantine (arrival);

-- ---------------------------------------------------------------------------
-- Local: belongs to this database alone, never synced.

-- Answers to repeated requests. `scope` is a hash of principal, method, path
-- and key, each with its length before it.
CREATE TABLE idempotency (
    id         INTEGER PRIMARY KEY,
    scope      BLOB    NOT NULL UNIQUE CHECK (length(scope) = 32),
    body_hash  BLOB    NOT NULL CHECK (length(body_hash) = 32),
    status     INTEGER NOT NULL,
    answer     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- The tills of this node and the last receipt number that each has drawn.
CREATE TABLE register (
    register    TEXT    PRIMARY KEY,
    last_number INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Bearer tokens of tills, hashed. A time of 0 means "not yet".
CREATE TABLE register_token (
    token_hash BLOB    PRIMARY KEY CHECK (length(token_hash) = 32),
    register   TEXT    NOT NULL REFERENCES register (register),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys to the hub's interface, hashed.
CREATE TABLE api_key (
    key_hash   BLOB    PRIMARY KEY CHECK (length(key_hash) = 32),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Single-use tokens that let a node of a location enrol, hashed.
CREATE TABLE enrolment_token (
    token_hash BLOB    PRIMARY KEY CHECK (length(token_hash) = 32),
    location   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    used_by    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Certificates that the hub has issued.
CREATE TABLE certificate (
    fingerprint BLOB    PRIMARY KEY CHECK (length(fingerprint) = 32),
    node        INTEGER NOT NULL,
    location    TEXT    NOT NULL,
    issued_at   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    revoked_at  INTEGER NOT NULL,
    reason      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_by_node ON certificate (node);

-- ---------------------------------------------------------------------------
-- Projections: dropped and rebuilt from the source at will, always the same.
-- None holds an arrival number, so databases that hold the same entries hold
-- the same rows.

-- Which replica an actor writes for, as named by its start, and from which entry on.
CREATE TABLE actor (
    actor   BLOB    PRIMARY KEY CHECK (length(actor) = 16),
    replica INTEGER NOT NULL,
    since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX actor_by_replica ON actor (replica, since);

-- Where the change that opened a document is found.
CREATE TABLE document (
    document BLOB    PRIMARY KEY CHECK (length(document) = 16),
    replica  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    n        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The changes after the first; (max_op, hash) is an order that respects causes.
CREATE TABLE document_change (
    document BLOB    NOT NULL CHECK (length(document) = 16),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    max_op   INTEGER NOT NULL,
    replica  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (document, hash)
) STRICT, WITHOUT ROWID;

-- Where the receipt of a number is found.
CREATE TABLE receipt (
    location TEXT    NOT NULL,
    register TEXT    NOT NULL,
    code     TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    replica  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (location, register, code, number)
) STRICT, WITHOUT ROWID;

-- Returns and voids by the number of the receipt that they go back to.
CREATE TABLE receipt_link (
    original TEXT NOT NULL,
    number   TEXT NOT NULL,
    PRIMARY KEY (original, number)
) STRICT, WITHOUT ROWID;

-- Perpetual totals of each till, in its currency; returns and voids are a
-- positive figure.
CREATE TABLE register_total (
    location TEXT    NOT NULL,
    register TEXT    NOT NULL,
    currency TEXT    NOT NULL,
    sales    INTEGER NOT NULL,
    returns  INTEGER NOT NULL,
    receipts INTEGER NOT NULL,
    PRIMARY KEY (location, register, currency)
) STRICT, WITHOUT ROWID;

-- The sum of all movements; the buckets of one row always sum to zero. An
-- empty owner is the location's own entity, an empty lot is none.
CREATE TABLE stock (
    location        TEXT    NOT NULL,
    sku             TEXT    NOT NULL,
    owner           TEXT    NOT NULL,
    lot             TEXT    NOT NULL,
    sellable        INTEGER NOT NULL,
    staged          INTEGER NOT NULL,
    receiving       INTEGER NOT NULL,
    quality_control INTEGER NOT NULL,
    damaged         INTEGER NOT NULL,
    quarantined     INTEGER NOT NULL,
    in_transit      INTEGER NOT NULL,
    supplier        INTEGER NOT NULL,
    customer        INTEGER NOT NULL,
    shrinkage       INTEGER NOT NULL,
    adjustment      INTEGER NOT NULL,
    opening         INTEGER NOT NULL,
    PRIMARY KEY (location, sku, owner, lot),
    CHECK (sellable + staged + receiving + quality_control + damaged + quarantined
           + in_transit + supplier + customer + shrinkage + adjustment + opening = 0),
    -- Below 2^59 each, so that no sum of a row leaves 64 bits and turns into a real.
    CHECK (sellable BETWEEN -576460752303423487 AND 576460752303423487
           AND staged BETWEEN -576460752303423487 AND 576460752303423487
           AND receiving BETWEEN -576460752303423487 AND 576460752303423487
           AND quality_control BETWEEN -576460752303423487 AND 576460752303423487
           AND damaged BETWEEN -576460752303423487 AND 576460752303423487
           AND quarantined BETWEEN -576460752303423487 AND 576460752303423487
           AND in_transit BETWEEN -576460752303423487 AND 576460752303423487
           AND supplier BETWEEN -576460752303423487 AND 576460752303423487
           AND customer BETWEEN -576460752303423487 AND 576460752303423487
           AND shrinkage BETWEEN -576460752303423487 AND 576460752303423487
           AND adjustment BETWEEN -576460752303423487 AND 576460752303423487
           AND opening BETWEEN -576460752303423487 AND 576460752303423487)
) STRICT, WITHOUT ROWID;

-- Day totals; amounts of two currencies never meet in one row.
CREATE TABLE day (
    location  TEXT    NOT NULL,
    date      TEXT    NOT NULL,
    currency  TEXT    NOT NULL,
    gross     INTEGER NOT NULL,
    discounts INTEGER NOT NULL,
    rounding  INTEGER NOT NULL,
    returns   INTEGER NOT NULL,
    receipts  INTEGER NOT NULL,
    PRIMARY KEY (location, date, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_tax (
    location TEXT    NOT NULL,
    date     TEXT    NOT NULL,
    currency TEXT    NOT NULL,
    code     TEXT    NOT NULL,
    rate     TEXT    NOT NULL,
    included INTEGER NOT NULL CHECK (included IN (0, 1)),
    base     INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    PRIMARY KEY (location, date, currency, code, rate, included)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_tender (
    location TEXT    NOT NULL,
    date     TEXT    NOT NULL,
    currency TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    amount   INTEGER NOT NULL,
    PRIMARY KEY (location, date, currency, kind)
) STRICT, WITHOUT ROWID;

-- Counts asked for and not yet posted.
CREATE TABLE count_task (
    document BLOB PRIMARY KEY CHECK (length(document) = 16),
    location TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('requested', 'posted'))
) STRICT, WITHOUT ROWID;

-- Up to which entry of each journal, and item of each feed, the projections
-- have taken in what was stored. `feed` is the hub's location column for a
-- feed, empty for a journal.
CREATE TABLE projection_head (
    replica INTEGER NOT NULL,
    feed    TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (replica, feed)
) STRICT, WITHOUT ROWID;

-- Documents that a location's feed carries, so that a first appearance brings
-- the whole document (hub).
CREATE TABLE feed_document (
    hub      INTEGER NOT NULL,
    location TEXT    NOT NULL,
    document BLOB    NOT NULL CHECK (length(document) = 16),
    PRIMARY KEY (hub, document, location)
) STRICT, WITHOUT ROWID;
