-- Projections: rights to promise units, as entries say them.

-- What each replica says of its own counters, in thousandths since the
-- beginning of its life; the largest value of each.
CREATE TABLE cell (
    location TEXT    NOT NULL,
    sku      TEXT    NOT NULL,
    replica  INTEGER NOT NULL,
    mint     INTEGER NOT NULL CHECK (mint >= 0),
    used     INTEGER NOT NULL CHECK (used >= 0),
    release  INTEGER NOT NULL CHECK (release >= 0),
    burn     INTEGER NOT NULL CHECK (burn >= 0),
    -- The last entry that said them outright; later ones burn what they take.
    stated   INTEGER NOT NULL,
    PRIMARY KEY (location, sku, replica)
) STRICT, WITHOUT ROWID;

-- What each replica has handed on to another since the beginning.
CREATE TABLE cell_sent (
    location TEXT    NOT NULL,
    sku      TEXT    NOT NULL,
    replica  INTEGER NOT NULL,
    receiver INTEGER NOT NULL,
    sent     INTEGER NOT NULL CHECK (sent >= 0),
    PRIMARY KEY (location, sku, replica, receiver)
) STRICT, WITHOUT ROWID;

-- The replica that mints at a location, as its feed names it.
CREATE TABLE minter (
    location TEXT    PRIMARY KEY,
    replica  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
