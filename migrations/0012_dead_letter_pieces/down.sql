DROP TABLE dead_letter_pieces;
