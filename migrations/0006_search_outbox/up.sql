-- What the search index has not seen: one row for each stored batch and for each edit, written with the rows it speaks of.
-- `ranges` is JSON, [[application, chat, first, last], ...]; a thousand ranges can exceed TEXT.
CREATE TABLE search_outbox (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    due_at      DATETIME(3) NOT NULL,
    ranges      MEDIUMTEXT NOT NULL,
    created_at  DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    KEY search_outbox_due (due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
