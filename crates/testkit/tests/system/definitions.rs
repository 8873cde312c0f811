//! RabbitMQ's definitions, exported and imported into a broker that has lost everything, as the manual says.

use std::time::Duration;

use serde_json::Value;
use testkit::{Server, System};

const BACK_WITHIN: Duration = Duration::from_secs(30);

struct Management(reqwest::Client, String);

impl Management {
    fn request(&self, method: reqwest::Method) -> reqwest::RequestBuilder {
        self.0.request(method, format!("{}/api/definitions", self.1)).basic_auth("guest", Some("guest"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_made_anew_from_its_definitions_goes_on_in_a_new_epoch() {
    let system = System::builder().own(Server::Rabbitmq).start().await;
    let chat = system.create_application("definitions").await.create_chat().await;
    for number in 1..=3 {
        assert_eq!(chat.post("before").await, number);
    }
    chat.await_stored(3).await;
    let url = system.stack().urls().rabbitmq_management.clone();
    let management = Management(reqwest::Client::builder().no_proxy().build().unwrap(), url);
    let exported = management.request(reqwest::Method::GET).send().await.unwrap().error_for_status().unwrap();
    let mut definitions: Value = exported.json().await.unwrap();
    let topology = system.config::<ingest::Config>().amqp.topology();
    // An epoch is bound by who opens it, and by nobody else.
    let bindings = definitions["bindings"].as_array_mut().unwrap();
    let all = bindings.len();
    bindings.retain(|binding| binding["source"] != topology.exchange());
    assert_eq!(all - bindings.len(), usize::from(topology.partitions().get()));

    system.stack().wipe(Server::Rabbitmq).await.unwrap();
    system.stack().start(Server::Rabbitmq).await.unwrap();
    let imported = management.request(reqwest::Method::POST).json(&definitions).send().await.unwrap();
    assert!(imported.status().is_success(), "{}", imported.text().await.unwrap());

    let number = chat.post_until_accepted("after", BACK_WITHIN).await;
    assert!(number > 3, "{number}");
    chat.await_stored(number).await;
    assert_eq!(chat.messages().await.iter().filter(|(_, body)| body == "before").count(), 3);
    let opened = store::epochs::history(&mut system.store().acquire().await.unwrap(), 1).await.unwrap();
    assert_eq!(opened[0].reason, "unbound");
}
