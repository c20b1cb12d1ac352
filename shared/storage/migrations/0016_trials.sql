-- The facts behind the figures of a decision, so that a draft of a policy can be
-- tried on it. Decisions of earlier releases have none.
ALTER TABLE decision ADD COLUMN basis TEXT;

-- Orders that were refused because there was not enough, as they were asked for
-- last: what a draft would have won. Nothing in them names a person; they are
-- bounded in number and age.
CREATE TABLE refused_order (
    channel     TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    snapshot    TEXT    NOT NULL,
    policy      TEXT    NOT NULL,
    basis       TEXT    NOT NULL,
    PRIMARY KEY (channel, external_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX refused_order_by_time ON refused_order (at, channel, external_id);
