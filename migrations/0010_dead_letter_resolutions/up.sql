-- What became of a dead letter later, by an operator's hand: `stored`, `split` (its items stand for themselves, as rows or as letters
-- of their own) or `discarded`. The row stays, for its number stays taken. The key finds and counts what is left to be looked at.
ALTER TABLE dead_letters
    ADD COLUMN resolution  VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN resolved_at DATETIME(3) NULL,
    ADD KEY dead_letters_unresolved (resolution, reason);
