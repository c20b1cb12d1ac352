-- At the hub: which locations may know who ordered what, each with the number of
-- its latest change. Nothing personal stands here: a row that is gone says only
-- that there is nothing to know any more.
CREATE TABLE contact_place (
    location TEXT    NOT NULL,
    document BLOB    NOT NULL CHECK (length(document) = 16),
    version  INTEGER NOT NULL,
    -- Whether the location also needs to know where it goes.
    ships    INTEGER NOT NULL CHECK (ships IN (0, 1)),
    -- Since when the location has nothing to do with the order any more.
    over_at  INTEGER,
    gone     INTEGER NOT NULL CHECK (gone IN (0, 1)),
    PRIMARY KEY (location, document)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contact_place_by_version ON contact_place (location, version);
CREATE INDEX contact_place_by_document ON contact_place (document);
CREATE INDEX contact_place_over ON contact_place (over_at) WHERE gone = 0 AND over_at IS NOT NULL;

-- The number of the last change by location, and of all under an empty name.
CREATE TABLE contact_head (
    location TEXT    PRIMARY KEY,
    version  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Orders that were taken in before are looked at once, so that their locations
-- learn who ordered.
INSERT OR IGNORE INTO order_due
SELECT document FROM order_contact
WHERE document IN (SELECT document FROM order_location WHERE open = 1);

-- At a node: who ordered what it has to hand over. Personal; no projection.
CREATE TABLE private_contact (
    document   BLOB PRIMARY KEY CHECK (length(document) = 16),
    name       TEXT,
    phone      TEXT,
    -- Where it is shipped, as JSON.
    address    TEXT,
    -- Since when this node knows that it has nothing to do with the order.
    over_since INTEGER
) STRICT, WITHOUT ROWID;

-- How far the hub's changes are kept.
CREATE TABLE private_position (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    hub     INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
