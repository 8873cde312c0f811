DROP TABLE reindexes;
