-- How often a problem went to the next role, and when it did last; and when one
-- that a person resolved by word is looked at again, if it is still there.
ALTER TABLE exception ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
UPDATE exception SET level = escalated;
ALTER TABLE exception DROP COLUMN escalated;
ALTER TABLE exception ADD COLUMN escalated_at INTEGER;
ALTER TABLE exception ADD COLUMN again_at INTEGER;
CREATE INDEX exception_by_order ON exception (document) WHERE document IS NOT NULL;
CREATE INDEX exception_again ON exception (kind, again_at) WHERE again_at IS NOT NULL;

-- Since when money is owed to the customers of orders.
CREATE TABLE owed_refund (
    document BLOB    PRIMARY KEY CHECK (length(document) = 16),
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX owed_refund_since ON owed_refund (since);

-- What the steps below say, this column said only of the last one.
DROP INDEX order_location_due;
ALTER TABLE order_location DROP COLUMN due;

-- Projections: the step that each promise waits for.

-- `since` is where its timer starts, `due` a time that was named to the customer.
CREATE TABLE waiting_step (
    document BLOB NOT NULL CHECK (length(document) = 16),
    promise  TEXT NOT NULL,
    location TEXT NOT NULL,
    step     TEXT NOT NULL,
    since    INTEGER,
    due      INTEGER,
    PRIMARY KEY (document, promise)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_step_since ON waiting_step (step, since) WHERE since IS NOT NULL;
CREATE INDEX waiting_step_due ON waiting_step (due) WHERE due IS NOT NULL;
