-- Rights that the hub has asked this location for and its minter has not
-- answered yet. Small and short-lived; lost with nothing but a wish.
CREATE TABLE grant_request (
    location   TEXT    NOT NULL,
    sku        TEXT    NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (location, sku)
) STRICT, WITHOUT ROWID;
