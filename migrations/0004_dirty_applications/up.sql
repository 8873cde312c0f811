-- Chats inserted since an application's chats were last counted; written in the transaction that inserts them.
CREATE TABLE dirty_applications (
    application_id  BIGINT UNSIGNED NOT NULL,
    added           BIGINT UNSIGNED NOT NULL,
    since           DATETIME(3) NOT NULL,
    PRIMARY KEY (application_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
