DROP TABLE dirty_chats;
