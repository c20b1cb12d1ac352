-- What changed last, at the hub: one row for each subject, with the number of
-- its latest change. Who reads from a number on gets each subject once, however
-- often it changed meanwhile.
CREATE TABLE change (
    kind    TEXT    NOT NULL CHECK (kind IN ('availability', 'order', 'exception', 'message')),
    subject TEXT    NOT NULL,
    id      INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX change_by_id ON change (id);

-- Who is told of changes by HTTP.
CREATE TABLE webhook (
    id           INTEGER PRIMARY KEY,
    url          TEXT    NOT NULL,
    types        TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    secret       TEXT    NOT NULL,
    max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
    paused       INTEGER NOT NULL CHECK (paused IN (0, 1)),
    -- The last change that went into a delivery.
    position     INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

-- What was, or is to be, sent to a webhook; one after the other.
CREATE TABLE webhook_delivery (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook    INTEGER NOT NULL,
    -- The last change in it.
    position   INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts   INTEGER NOT NULL,
    status     INTEGER,
    error      TEXT,
    created_at INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    done_at    INTEGER
) STRICT;
CREATE INDEX webhook_delivery_by_state ON webhook_delivery (webhook, state, id);

-- What customers are told; the words and the address are looked up when it is
-- sent, so nothing personal is kept here.
CREATE TABLE customer_message (
    document   BLOB    NOT NULL CHECK (length(document) = 16),
    obligation TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    sent_at    INTEGER,
    PRIMARY KEY (document, obligation)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_message_unsent ON customer_message (created_at) WHERE sent_at IS NULL;
