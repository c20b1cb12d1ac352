-- Products that are waited for, and of which something else can be promised.
CREATE TABLE backorder_due (
    sku TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Projections: the lines that wait for supply.
CREATE TABLE backorder (
    document BLOB    NOT NULL CHECK (length(document) = 16),
    line     INTEGER NOT NULL,
    sku      TEXT    NOT NULL,
    -- The only location that it can come from; any if none is named.
    location TEXT,
    channel  TEXT    NOT NULL,
    -- How much waits, in thousandths.
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    -- When everything is expected; unknown if not all of it is to come.
    expected INTEGER,
    -- When the order came, in the order of everything that did.
    arrival  INTEGER NOT NULL,
    PRIMARY KEY (document, line)
) STRICT, WITHOUT ROWID;

CREATE INDEX backorder_by_sku ON backorder (sku);
