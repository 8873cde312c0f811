//! An ingest that dies between the number and the confirm: a retry elsewhere takes its create over.

use testkit::{Ask, Server, Service, System, eventually};

use super::{BACK_WITHIN, assert_no_conflict, end_epoch, epochs, insist, number, post, records, replayed};

/// The ingest dies with one create handed to a broker that hangs, and another that has its number and was never sent.
async fn ingest_dies(epoch_ends: bool) {
    let system = System::builder().own(Server::Rabbitmq).set("CHAT__AMQP__IN_FLIGHT", 1).start().await;
    let application = system.create_application("deaths").await;
    let chat = application.create_chat().await;
    assert_eq!(number(&post(&chat, "before", "before").send().await), 1);
    let before = epochs(&system).await;

    system.stack().pause(Server::Rabbitmq).unwrap();
    let sends: [(&str, &dyn Fn() -> Ask); 3] = [
        ("sent", &|| post(&chat, "sent", "sent")),
        ("unsent", &|| post(&chat, "unsent", "unsent")),
        ("scene", &|| application.attempt_chat().header("Idempotency-Key", "scene")),
    ];
    let mut clients = Vec::new();
    for (taken, (_, send)) in (2..).zip(&sends) {
        clients.push(tokio::spawn(send().attempt()));
        let has_number = async || records(&system).await.len() == taken;
        eventually("a number is taken", BACK_WITHIN, has_number).await;
    }
    system.crash(Service::Ingest);
    // Whoever was answered before that, was told that it may not have been done.
    for client in clients {
        assert!(client.await.unwrap().map_or(true, |answer| answer.status == 503), "somebody was told otherwise");
    }
    let pending = records(&system).await.into_values().filter(|record| record[0] == "P").count();
    assert_eq!(pending, 3);
    system.stack().resume(Server::Rabbitmq).unwrap();
    if epoch_ends {
        end_epoch(&system).await;
    }
    system.launch(Service::Ingest).await;

    let mut answers = Vec::new();
    for (_, send) in &sends {
        let first = insist(*send).await;
        let second = insist(*send).await;
        assert_eq!(number(&first), number(&second));
        assert!(replayed(&second));
        answers.push(first);
    }
    let numbers: Vec<u64> = answers.iter().map(number).collect();
    if epoch_ends {
        assert!(epochs(&system).await > before);
    } else {
        // Each retry published the event of the one that died.
        assert_eq!((numbers.as_slice(), epochs(&system).await), ([2, 3, 2].as_slice(), before));
        assert!(answers.iter().all(replayed));
    }
    let last = numbers[0].max(numbers[1]);
    chat.await_stored(last).await;
    let mut expected = vec![(1, "before".to_owned()), (numbers[0], "sent".to_owned()), (numbers[1], "unsent".to_owned())];
    expected.sort();
    assert_eq!(chat.messages().await, expected);
    assert_eq!(number(&post(&chat, "next", "next").send().await), last + 1);
    application.chat(numbers[2]).read().await.expect(200);
    assert_no_conflict(&system).await;
    assert_eq!(application.create_chat().await.number, numbers[2] + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_takes_over_from_an_ingest_that_died_before_its_confirm() {
    ingest_dies(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_in_the_next_epoch_finds_out_what_became_of_an_ingest_that_died() {
    ingest_dies(true).await;
}
