-- The highest epoch that each partition's queue has shown, written with what was stored of it: an item of an earlier one that
-- comes later is a straggler, whose number may have been given again.
CREATE TABLE partition_epochs (
    partition_number  SMALLINT UNSIGNED NOT NULL,
    epoch             BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (partition_number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
