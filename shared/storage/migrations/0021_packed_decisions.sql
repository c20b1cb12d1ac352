-- A decision tells what was known of every location, which grows with the chain.
-- From here on its snapshot, policy, plan and facts stand packed in one column,
-- and the columns of their texts are empty in new rows.
ALTER TABLE decision ADD COLUMN packed BLOB;
