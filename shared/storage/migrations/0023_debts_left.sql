-- Pairs whose debt the hub has left to the location's own machine, which has
-- unused rights to pay it with. Whatever happens to such a pair is looked at: when
-- these rights are gone, only promises can pay, and somebody has to look on the
-- shelf.
CREATE TABLE debt_left (
    location TEXT NOT NULL,
    sku      TEXT NOT NULL,
    PRIMARY KEY (location, sku)
) STRICT, WITHOUT ROWID;
