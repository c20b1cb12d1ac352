-- What a hub remembers of the stock files that it imported. Local: belongs to
-- this database alone, never synced and never rebuilt.

-- Files by the hash of their bytes, so that the same file changes nothing when
-- it comes again. `refused` lists the lines that were not taken, as JSON.
CREATE TABLE imported_file (
    hash        BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    imported_at INTEGER NOT NULL,
    refused     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- What one unit cost, as the last file said that named a cost.
CREATE TABLE stock_cost (
    location    TEXT    NOT NULL,
    sku         TEXT    NOT NULL,
    unit_cost   INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (location, sku)
) STRICT, WITHOUT ROWID;
