//! The tables as the migrations make them, for the query builder. Columns stand in the tables' order; a change here without a
//! migration, or the other way round, is a mistake.

diesel::table! {
    applications (id) {
        id -> Unsigned<Bigint>,
        token -> Char,
        name -> Varchar,
        chats_count -> Unsigned<Bigint>,
        version -> Unsigned<Bigint>,
        created_at -> Datetime,
        updated_at -> Datetime,
    }
}

diesel::table! {
    chats (application_id, number) {
        application_id -> Unsigned<Bigint>,
        number -> Unsigned<Bigint>,
        name -> Nullable<Varchar>,
        messages_count -> Unsigned<Bigint>,
        event_id -> Binary,
        version -> Unsigned<Bigint>,
        created_at -> Datetime,
        updated_at -> Datetime,
    }
}

diesel::table! {
    messages (application_id, chat_number, number) {
        application_id -> Unsigned<Bigint>,
        chat_number -> Unsigned<Bigint>,
        number -> Unsigned<Bigint>,
        body -> Text,
        event_id -> Binary,
        version -> Unsigned<Bigint>,
        created_at -> Datetime,
        updated_at -> Datetime,
    }
}

diesel::table! {
    dirty_applications (application_id) {
        application_id -> Unsigned<Bigint>,
        added -> Unsigned<Bigint>,
        since -> Datetime,
    }
}

diesel::table! {
    dirty_chats (application_id, chat_number) {
        application_id -> Unsigned<Bigint>,
        chat_number -> Unsigned<Bigint>,
        added -> Unsigned<Bigint>,
        since -> Datetime,
    }
}

diesel::table! {
    search_outbox (id) {
        id -> Unsigned<Bigint>,
        due_at -> Datetime,
        ranges -> Mediumtext,
        created_at -> Datetime,
    }
}

diesel::table! {
    dead_letters (id) {
        id -> Unsigned<Bigint>,
        reason -> Varchar,
        detail -> Varchar,
        event_id -> Nullable<Binary>,
        application_id -> Nullable<Unsigned<Bigint>>,
        chat_number -> Nullable<Unsigned<Bigint>>,
        message_number -> Nullable<Unsigned<Bigint>>,
        payload -> Longblob,
        created_at -> Datetime,
        resolution -> Nullable<Varchar>,
        resolved_at -> Nullable<Datetime>,
    }
}

diesel::table! {
    dead_letter_pieces (letter_id, piece) {
        letter_id -> Unsigned<Bigint>,
        piece -> Unsigned<Integer>,
        payload -> Mediumblob,
    }
}

diesel::table! {
    epochs (number) {
        number -> Unsigned<Bigint>,
        run_id -> Varchar,
        reason -> Varchar,
        opened_at -> Datetime,
        closed -> Bool,
    }
}

diesel::table! {
    partition_epochs (partition_number) {
        partition_number -> Unsigned<Smallint>,
        epoch -> Unsigned<Bigint>,
    }
}

diesel::table! {
    reindexes (id) {
        id -> Unsigned<Bigint>,
        slot -> Unsigned<Tinyint>,
        version -> Unsigned<Integer>,
        old_version -> Unsigned<Integer>,
        application_id -> Unsigned<Bigint>,
        chat_number -> Unsigned<Bigint>,
        message_number -> Unsigned<Bigint>,
        copied -> Unsigned<Bigint>,
        started_at -> Datetime,
    }
}

diesel::allow_tables_to_appear_in_same_query!(applications, chats, messages);
