ALTER TABLE dead_letters DROP KEY dead_letters_unresolved, DROP COLUMN resolved_at, DROP COLUMN resolution;
