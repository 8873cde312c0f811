-- Clustered by what clients name a chat by. No foreign key: it would lock the application's row at each insert, and the
-- application is known to exist before a number is given.
CREATE TABLE chats (
    application_id  BIGINT UNSIGNED NOT NULL,
    number          BIGINT UNSIGNED NOT NULL,
    name            VARCHAR(255) NULL,
    messages_count  BIGINT UNSIGNED NOT NULL DEFAULT 0,
    event_id        BINARY(16) NOT NULL,
    version         BIGINT UNSIGNED NOT NULL DEFAULT 1,
    created_at      DATETIME(3) NOT NULL,
    updated_at      DATETIME(3) NOT NULL,
    PRIMARY KEY (application_id, number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
