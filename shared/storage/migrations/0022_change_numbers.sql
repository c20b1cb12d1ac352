-- Every sale notes a change of each of its products at the hub, so that has to be
-- cheap: the number of a change is its row's own, and the next change of a subject
-- takes the row's place.
CREATE TABLE change_by_number (
    id      INTEGER PRIMARY KEY,
    kind    TEXT    NOT NULL CHECK (kind IN ('availability', 'order', 'exception', 'message')),
    subject TEXT    NOT NULL,
    UNIQUE (kind, subject)
) STRICT;
INSERT INTO change_by_number SELECT id, kind, subject FROM change;
DROP TABLE change;
ALTER TABLE change_by_number RENAME TO change;
