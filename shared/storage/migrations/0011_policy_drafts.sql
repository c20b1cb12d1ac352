-- Policies that were proposed: a second key holder approves them, and they come
-- into force at their time.
CREATE TABLE policy_draft (
    id             INTEGER PRIMARY KEY,
    name           TEXT    NOT NULL,
    body           TEXT    NOT NULL,
    author         TEXT    NOT NULL,
    reason         TEXT,
    created_at     INTEGER NOT NULL,
    effective_from INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('draft', 'approved', 'in_force', 'withdrawn')),
    approved_by    TEXT,
    approved_at    INTEGER,
    -- The revision in force when it was proposed.
    base_revision  INTEGER NOT NULL
) STRICT;

CREATE INDEX policy_draft_by_name ON policy_draft (name, id);
CREATE INDEX policy_draft_due ON policy_draft (state, effective_from);
