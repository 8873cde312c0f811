-- A tenant. Clients know it by its token only: the id stays inside, and is what the other tables refer to.
CREATE TABLE applications (
    id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    token        CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name         VARCHAR(255) NOT NULL,
    chats_count  BIGINT UNSIGNED NOT NULL DEFAULT 0,
    version      BIGINT UNSIGNED NOT NULL DEFAULT 1,
    created_at   DATETIME(3) NOT NULL,
    updated_at   DATETIME(3) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY applications_token (token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
