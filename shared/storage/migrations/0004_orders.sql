-- Worklists: what is to be looked at again, because something changed.

-- Pairs whose rights may be raised, handed on, or are owed.
CREATE TABLE rights_due (
    location TEXT NOT NULL,
    sku      TEXT NOT NULL,
    PRIMARY KEY (location, sku)
) STRICT, WITHOUT ROWID;

-- Orders that may oblige somebody here.
CREATE TABLE order_due (
    document BLOB PRIMARY KEY CHECK (length(document) = 16)
) STRICT, WITHOUT ROWID;

-- Projections: orders and their promises.

-- Each order as its list shows it.
CREATE TABLE customer_order (
    document    BLOB    PRIMARY KEY CHECK (length(document) = 16),
    arrival     INTEGER NOT NULL,
    channel     TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    payment     TEXT    NOT NULL,
    customer    TEXT    NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX customer_order_by_name ON customer_order (channel, external_id);
CREATE INDEX customer_order_by_arrival ON customer_order (arrival);

-- What the lines of an order are of.
CREATE TABLE order_line (
    document BLOB    NOT NULL CHECK (length(document) = 16),
    line     INTEGER NOT NULL,
    sku      TEXT    NOT NULL,
    PRIMARY KEY (document, line)
) STRICT, WITHOUT ROWID;

-- The locations that have work with an order, or had.
CREATE TABLE order_location (
    location TEXT    NOT NULL,
    document BLOB    NOT NULL CHECK (length(document) = 16),
        open     INTEGER NOT NULL CHECK (open IN (0, 1)),
    -- The earliest time by which something was promised that is not ready.
    due      INTEGER,
    -- Whether a shipment waits for the location's answer.
    offered  INTEGER NOT NULL CHECK (offered IN (0, 1)),
    PRIMARY KEY (location, document)
) STRICT, WITHOUT ROWID;

CREATE INDEX order_location_due ON order_location (due) WHERE due IS NOT NULL;
CREATE INDEX order_location_offered ON order_location (document) WHERE offered = 1;

CREATE INDEX order_location_open ON order_location (location, document) WHERE open = 1;

-- Each promise and how its parts ended, in thousandths, as recorded.
CREATE TABLE promise (
    document  BLOB    NOT NULL CHECK (length(document) = 16),
    promise   TEXT    NOT NULL,
    location  TEXT    NOT NULL,
    sku       TEXT    NOT NULL,
    line      INTEGER NOT NULL,
    promised  INTEGER NOT NULL,
    settled   INTEGER NOT NULL,
    released  INTEGER NOT NULL,
    breached  INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    PRIMARY KEY (document, promise)
) STRICT, WITHOUT ROWID;

CREATE INDEX promise_by_pair ON promise (location, sku);

-- What of all promises of a pair has not ended.
CREATE TABLE promised (
    location TEXT    NOT NULL,
    sku      TEXT    NOT NULL,
    live     INTEGER NOT NULL CHECK (live >= 0),
    PRIMARY KEY (location, sku)
) STRICT, WITHOUT ROWID;
