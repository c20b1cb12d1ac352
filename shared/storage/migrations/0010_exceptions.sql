-- Problems for a person: each has an owner, an age and a time by which it is due.
CREATE TABLE exception (
    id          INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    location    TEXT,
    sku         TEXT,
    document    BLOB    CHECK (length(document) = 16),
    detail      TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('open', 'acknowledged', 'resolved')),
    assigned_to TEXT,
    opened_at   INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    escalated   INTEGER NOT NULL CHECK (escalated IN (0, 1)),
    resolved_at INTEGER,
    resolved_by TEXT,
    resolution  TEXT
) STRICT;

-- One problem is open once.
CREATE UNIQUE INDEX exception_by_key ON exception (key) WHERE state <> 'resolved';
CREATE INDEX exception_open ON exception (state, due_at);

-- Who did what about it.
CREATE TABLE exception_action (
    exception INTEGER NOT NULL,
    n         INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    note      TEXT,
    PRIMARY KEY (exception, n)
) STRICT, WITHOUT ROWID;
