-- What a dead letter's payload has beyond its first piece, which stands in the letter's own row: a payload may be larger than all
-- that the server takes or gives at once (`max_allowed_packet`), and must be kept byte for byte all the same.
CREATE TABLE dead_letter_pieces (
    letter_id  BIGINT UNSIGNED NOT NULL,
    piece      INT UNSIGNED NOT NULL,
    payload    MEDIUMBLOB NOT NULL,
    PRIMARY KEY (letter_id, piece)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
