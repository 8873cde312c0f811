-- Items that cannot be stored. Their numbers were given to clients and stay taken: the second key finds the highest of them.
-- A redelivered item is not kept twice: the first key; what has no event id does not clash.
CREATE TABLE dead_letters (
    id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    reason          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    detail          VARCHAR(500) NOT NULL,
    event_id        BINARY(16) NULL,
    application_id  BIGINT UNSIGNED NULL,
    chat_number     BIGINT UNSIGNED NULL,
    message_number  BIGINT UNSIGNED NULL,
    payload         LONGBLOB NOT NULL,
    created_at      DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY dead_letters_event (event_id, reason),
    KEY dead_letters_number (application_id, chat_number, message_number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
