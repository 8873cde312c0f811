//! Services that stop, or end without a word, under load: nothing that was acknowledged is lost.

use std::time::Duration;

use testkit::{Chat, Load, Service, System};

const MOMENT: Duration = Duration::from_secs(10);

async fn two_chats(system: &System) -> Vec<Chat> {
    let application = system.create_application("under load").await;
    vec![application.create_chat().await, application.create_chat().await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ingest_stops_under_load_and_another_goes_on() {
    let system = System::builder().replicas(Service::Ingest, 2).start().await;
    let load = Load::start(&two_chats(&system).await, 8);
    load.accepts(100, MOMENT).await;
    system.stop(Service::Ingest).await;
    load.accepts(50, MOMENT).await;
    system.launch(Service::Ingest).await;
    load.accepts(50, MOMENT).await;
    system.crash(Service::Ingest);
    load.accepts(50, MOMENT).await;
    let report = load.finish().await;
    report.assert_answers_in_form();
    report.assert_stored().await;
    report.assert_found().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consumer_stops_under_load_and_the_next_one_stores_the_rest() {
    // Small batches, so that many are in the middle of their way.
    let system = System::builder().set("MESSAGE_QUEUE_THRESHOLD", 20).start().await;
    let load = Load::start(&two_chats(&system).await, 8);
    load.accepts(100, MOMENT).await;
    system.stop(Service::Consumer).await;
    load.accepts(100, MOMENT).await;
    system.launch(Service::Consumer).await;
    load.accepts(100, MOMENT).await;
    system.crash(Service::Consumer);
    load.accepts(100, MOMENT).await;
    system.launch(Service::Consumer).await;
    let report = load.finish().await;
    report.assert_answered_within(Duration::from_millis(3_500));
    assert_eq!(report.refused(), 0);
    report.assert_stored().await;
    report.assert_found().await;
    report.assert_numbers_go_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_consumer_that_stopped_or_died() {
    let system = System::builder().replicas(Service::Consumer, 3).start().await;
    let chats = two_chats(&system).await;
    let load = Load::start(&chats, 4);
    load.accepts(50, MOMENT).await;
    system.crash(Service::Consumer);
    load.accepts(50, MOMENT).await;
    system.stop(Service::Consumer).await;
    load.accepts(50, MOMENT).await;
    let report = load.finish().await;
    assert_eq!(report.refused(), 0);
    report.assert_stored().await;
    report.assert_found().await;
    report.assert_numbers_go_on().await;
}
