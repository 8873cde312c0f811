//! The consumer as a process: what operators see of it.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use tokio::process::{Child, Command};

use crate::{
    items::{chat_with_messages, message},
    world::{PATIENCE, World, in_world},
};

pub(crate) fn consumer(world: &World) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consumer"));
    command.env_clear().envs(world.environment.iter().cloned()).env("PORT", "0").kill_on_drop(true).stdout(Stdio::null());
    command
}

/// What a process that ends by itself has said.
async fn output(command: &mut Command) -> Output {
    tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends by itself").unwrap()
}

/// SIGTERM, and what the process says to it.
async fn terminate(mut consumer: Child) -> Option<i32> {
    let id = consumer.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    tokio::time::timeout(PATIENCE, consumer.wait()).await.expect("it ends").unwrap().code()
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_active_one_is_killed_the_standby_goes_on_and_ends_well_when_asked_to() {
    in_world(async |world| {
        let mut active = consumer(&world).spawn().unwrap();
        world.until("it consumes", async |world| world.queues.is_consumed().await).await;
        let standby = consumer(&world).spawn().unwrap();
        for number in 1..=20 {
            world.queues.publish(1, &chat_with_messages(1, number, 500), 50).await;
            if number == 10 {
                active.kill().await.unwrap();
            }
        }
        world.until_stored(20, 10_000, 0).await;
        assert_eq!(world.tables.counted().await, (20, 10_000));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(terminate(standby).await, Some(0));
        assert_eq!(world.queues.ready().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_request_whose_create_became_a_dead_letter() {
    in_world(async |world| {
        let consumer = consumer(&world).env("LOG_FORMAT", "json").stdout(Stdio::piped()).spawn().unwrap();
        world.until("it consumes", async |world| world.queues.is_consumed().await).await;
        world.queues.publish(1, &[message(1, 1, 1)], 1).await;
        world.until_stored(0, 0, 1).await;
        let id = consumer.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        let output = tokio::time::timeout(PATIENCE, consumer.wait_with_output()).await.expect("it ends").unwrap();
        let log = String::from_utf8(output.stdout).unwrap();
        let said = log.lines().find(|line| line.contains("items became dead letters")).unwrap_or_else(|| panic!("{log}"));
        assert!(said.contains(r#""request_id":"test""#) && said.contains("chat_missing"), "{said}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_shown_without_secrets_and_a_wrong_one_is_refused_by_name() {
    in_world(async |world| {
        let url = "mysql://user:hunter2@localhost/chat";
        let shown = output(consumer(&world).arg("check-config").env("DATABASE_URL", url).stdout(Stdio::piped())).await;
        let text = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.status.success() && text.contains("message_batch_items = 4000"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");

        let refused = output(consumer(&world).arg("check-config").env("MESSAGE_QUEUE_THRESHOLD", "0")).await;
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && text.contains("consumer.message_batch_items"), "{text}");

        // Another number of partitions than the queues have.
        world.consumer().await.stop().await;
        let refused = output(consumer(&world).env("CHAT__AMQP__PARTITIONS", "3")).await;
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && text.contains("2 partitions"), "{text}");
    })
    .await;
}
