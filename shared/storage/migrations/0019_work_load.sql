-- Projections: how many order lines are due at a location when, so that a day's
-- capacity can be told without reading its orders.

-- By when what was promised was to be ready.
ALTER TABLE promise ADD COLUMN due INTEGER;

-- Order lines by the quarter of an hour in which they are due, counted from
-- 1970; lines that were called off, or given back, are not counted.
CREATE TABLE work_load (
    location TEXT    NOT NULL,
    quarter  INTEGER NOT NULL,
    lines    INTEGER NOT NULL CHECK (lines >= 0),
    PRIMARY KEY (location, quarter)
) STRICT, WITHOUT ROWID;
