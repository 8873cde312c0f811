-- The numbering's epochs: which were opened, for which Redis process, and why. `closed`: its routing keys are unbound.
CREATE TABLE epochs (
    number     BIGINT UNSIGNED NOT NULL,
    run_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    opened_at  DATETIME(3) NOT NULL,
    closed     BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (number),
    KEY epochs_open (closed, number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
