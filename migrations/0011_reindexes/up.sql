-- That the search index is being made anew: one row while it is, none otherwise (`slot`). Consumers write to both versions
-- meanwhile, and remove an outbox row only if they did. The rest is how far the copy has come, for one that was broken off.
CREATE TABLE reindexes (
    id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    slot            TINYINT UNSIGNED NOT NULL DEFAULT 1,
    version         INT UNSIGNED NOT NULL,
    old_version     INT UNSIGNED NOT NULL,
    application_id  BIGINT UNSIGNED NOT NULL DEFAULT 0,
    chat_number     BIGINT UNSIGNED NOT NULL DEFAULT 0,
    message_number  BIGINT UNSIGNED NOT NULL DEFAULT 0,
    copied          BIGINT UNSIGNED NOT NULL DEFAULT 0,
    started_at      DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY reindexes_one (slot)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
