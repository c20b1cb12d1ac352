-- Whether a problem was ever opened, resolved or not.
CREATE INDEX exception_by_any_key ON exception (key);

-- Products of which more left than was recorded, where stock is recorded at all.
CREATE INDEX stock_below_nothing ON stock (location, sku)
WHERE sellable < 0 AND (opening <> 0 OR supplier <> 0 OR adjustment <> 0);
