-- A seal that one person proposed and another has to approve.
CREATE TABLE seal_proposal (
    replica     INTEGER PRIMARY KEY,
    seq         INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    proposed_by TEXT    NOT NULL,
    proposed_at INTEGER NOT NULL
) STRICT;

-- How far a sealed replica's journal stands on its location's feed, for who
-- takes the place over.
CREATE TABLE returned (
    replica INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL
) STRICT;

-- Projections: seals, and what was counted since.

-- Replicas whose rights stand for good, because they are lost.
CREATE TABLE seal (
    replica  INTEGER PRIMARY KEY,
    location TEXT    NOT NULL,
    -- The last entry whose rights count.
    seq      INTEGER NOT NULL,
    -- Whether the location has to be counted anew: what the replica recorded
    -- after that entry is not known.
    recount  INTEGER NOT NULL CHECK (recount IN (0, 1))
) STRICT;
CREATE INDEX seal_by_location ON seal (location);

-- Pairs that were counted since their location was sealed last.
CREATE TABLE counted (
    location TEXT NOT NULL,
    sku      TEXT NOT NULL,
    PRIMARY KEY (location, sku)
) STRICT, WITHOUT ROWID;
