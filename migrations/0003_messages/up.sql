-- Clustered so that a chat's messages lie together, in order. TEXT holds 65,535 bytes; a body has at most 40,000.
CREATE TABLE messages (
    application_id  BIGINT UNSIGNED NOT NULL,
    chat_number     BIGINT UNSIGNED NOT NULL,
    number          BIGINT UNSIGNED NOT NULL,
    body            TEXT NOT NULL,
    event_id        BINARY(16) NOT NULL,
    version         BIGINT UNSIGNED NOT NULL DEFAULT 1,
    created_at      DATETIME(3) NOT NULL,
    updated_at      DATETIME(3) NOT NULL,
    PRIMARY KEY (application_id, chat_number, number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
