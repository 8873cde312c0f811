DROP TABLE dirty_applications;
