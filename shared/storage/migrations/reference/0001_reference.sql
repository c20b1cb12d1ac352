-- The reference data of one hub or node: products, locations and policies.
--
-- The live set is in one of two slots (0 and 1). A node builds a snapshot in
-- the other slot while its tills read the live one, and the swap is the update
-- of one row.

-- Whose data this is (hub), how far it goes (version) and which slot is live.
CREATE TABLE reference_position (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    hub     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    slot    INTEGER NOT NULL CHECK (slot IN (0, 1))
) STRICT;
INSERT INTO reference_position (only, hub, version, slot) VALUES (1, 0, 0, 0);

-- What a node is fetching: no row when nothing is half done. Base 0 means a
-- snapshot (its rows go to the slot that is not live), otherwise a delta on
-- that version (its rows wait in reference_staged). The cursor is the last row
-- of the last page that was committed.
CREATE TABLE reference_staging (
    only           INTEGER PRIMARY KEY CHECK (only = 1),
    hub            INTEGER NOT NULL,
    base           INTEGER NOT NULL,
    cursor_version INTEGER NOT NULL,
    cursor_kind    INTEGER NOT NULL,
    cursor_key     TEXT    NOT NULL
) STRICT;

CREATE TABLE reference_staged (
    kind    INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    payload BLOB    NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- Every policy body a hub ever accepted, for replay and for audit.
CREATE TABLE reference_policy_revision (
    name        TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    author      TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    PRIMARY KEY (name, revision)
) STRICT;

-- Slot 0.
-- One row for each thing a hub has ever published; a deletion leaves its row
-- with an empty payload, so that a delta can carry it.
CREATE TABLE reference_row_0 (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    payload BLOB    NOT NULL,
    UNIQUE (kind, key)
) STRICT;
CREATE INDEX reference_row_0_version ON reference_row_0 (version, kind, key);

-- What a scanner or a person types to name a product exactly: class 0 is the
-- SKU and 1 a barcode, both as given; 2 is what else starts a search (lower
-- case, without punctuation).
CREATE TABLE reference_code_0 (
    code   TEXT    NOT NULL,
    class  INTEGER NOT NULL,
    row_id INTEGER NOT NULL,
    PRIMARY KEY (code, class, row_id)
) STRICT, WITHOUT ROWID;

-- Words of name, SKU and barcodes, already split and normalised (text.rs): the
-- tokenizer only splits at blanks. Rows are found, never read back.
CREATE VIRTUAL TABLE reference_search_0 USING fts5 (
    text,
    content = '',
    contentless_delete = 1,
    detail = none,
    prefix = '1 2 3',
    tokenize = 'ascii'
);

-- Slot 1: the same tables as slot 0.
CREATE TABLE reference_row_1 (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    payload BLOB    NOT NULL,
    UNIQUE (kind, key)
) STRICT;
CREATE INDEX reference_row_1_version ON reference_row_1 (version, kind, key);

CREATE TABLE reference_code_1 (
    code   TEXT    NOT NULL,
    class  INTEGER NOT NULL,
    row_id INTEGER NOT NULL,
    PRIMARY KEY (code, class, row_id)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE reference_search_1 USING fts5 (
    text,
    content = '',
    contentless_delete = 1,
    detail = none,
    prefix = '1 2 3',
    tokenize = 'ascii'
);
