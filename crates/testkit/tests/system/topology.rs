//! The number of partitions is fixed once the queues exist: a service that is configured otherwise would break the order of a
//! chat.

use testkit::{Service, System};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_with_another_number_of_partitions_refuses_to_start_and_says_why() {
    let system = System::start().await;
    for service in [Service::Ingest, Service::Api, Service::Consumer] {
        let refusal = system.try_launch(service, &[("CHAT__AMQP__PARTITIONS", "3")]).await.expect_err("it must not start");
        assert!(refusal.contains("has 2 partitions, this service is configured for 3"), "{service:?}: {refusal}");
    }
    // The others go on undisturbed.
    let chat = system.create_application("fixed").await.create_chat().await;
    assert_eq!(chat.post("x").await, 1);
    chat.await_stored(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_cannot_be_is_refused_by_name() {
    let system =
        System::builder().replicas(Service::Api, 0).replicas(Service::Ingest, 0).replicas(Service::Consumer, 0).start().await;
    for (service, variable, value, named) in [
        (Service::Ingest, "CHAT__AMQP__PARTITION", "4", "amqp.partition"),
        (Service::Ingest, "CHAT__AMQP__PARTITIONS", "many", "CHAT__AMQP__PARTITIONS"),
        (Service::Consumer, "MESSAGE_QUEUE_THRESHOLD", "0", "consumer.message_batch_items"),
        (Service::Consumer, "CHAT_QUEUE_THRESHOLD", "0", "consumer.chat_batch_items"),
        (Service::Api, "CHAT__ELASTICSEARCH__INDEX", "No Index", "index"),
        (Service::Api, "DATABASE_URL", "mysql://127.0.0.1", "database"),
    ] {
        let refusal = system.try_launch(service, &[(variable, value)]).await.expect_err("it must not start");
        assert!(refusal.contains(named), "{service:?} with {variable}={value}: {refusal}");
    }
}
