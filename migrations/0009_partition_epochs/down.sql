DROP TABLE partition_epochs;
