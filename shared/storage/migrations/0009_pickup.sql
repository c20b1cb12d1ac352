-- Keys behind pickup codes: at the hub the one for all locations, under an empty
-- name; at a node that of its own.
CREATE TABLE pickup_key (
    location TEXT PRIMARY KEY,
    key      BLOB NOT NULL CHECK (length(key) = 32)
) STRICT, WITHOUT ROWID;

-- Wrong codes shown for an order.
CREATE TABLE pickup_attempt (
    document     BLOB    PRIMARY KEY CHECK (length(document) = 16),
    failed       INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
