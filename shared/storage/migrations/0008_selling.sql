-- What the hub keeps beside the journal to sell remotely.

-- Orders as they came: the same name with another body is another order.
CREATE TABLE order_intake (
    channel     TEXT NOT NULL,
    external_id TEXT NOT NULL,
    digest      BLOB NOT NULL CHECK (length(digest) = 32),
    document    BLOB NOT NULL CHECK (length(document) = 16),
    PRIMARY KEY (channel, external_id)
) STRICT, WITHOUT ROWID;

-- Who ordered and where it goes: personal, and erasable without a trace.
CREATE TABLE order_contact (
    document BLOB PRIMARY KEY CHECK (length(document) = 16),
    name     TEXT,
    email    TEXT,
    phone    TEXT,
    locale   TEXT,
    address  TEXT
) STRICT, WITHOUT ROWID;

-- Goods kept for a time without a promise: carts and unpaid orders.
CREATE TABLE soft_hold (
    id         INTEGER PRIMARY KEY,
    document   BLOB    CHECK (length(document) = 16),
    line       INTEGER,
    channel    TEXT    NOT NULL,
    location   TEXT    NOT NULL,
    sku        TEXT    NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX soft_hold_by_pair ON soft_hold (location, sku);
CREATE INDEX soft_hold_by_order ON soft_hold (document);
CREATE INDEX soft_hold_by_end ON soft_hold (expires_at);

-- Locations whose online selling is closed.
CREATE TABLE selling_closed (
    location  TEXT    PRIMARY KEY,
    reason    TEXT,
    closed_by TEXT    NOT NULL,
    closed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Goods that are to come.
CREATE TABLE supply (
    id       TEXT    PRIMARY KEY,
    location TEXT    NOT NULL,
    sku      TEXT    NOT NULL,
    due      INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    source   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX supply_by_sku ON supply (sku, due);

-- Why goods come from where they do: everything that a plan was made from.
CREATE TABLE decision (
    id       INTEGER PRIMARY KEY,
    document BLOB    NOT NULL CHECK (length(document) = 16),
    at       INTEGER NOT NULL,
    cause    TEXT    NOT NULL,
    snapshot TEXT    NOT NULL,
    policy   TEXT    NOT NULL,
    plan     TEXT    NOT NULL
) STRICT;

CREATE INDEX decision_by_order ON decision (document, id);
