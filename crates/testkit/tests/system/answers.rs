//! What each request is answered while a server is away, held against the table in `docs/OPERATIONS.md`, which is read here: a
//! cell that is not true fails a test, and so does a route that has no row.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Chat, Client, Service, System, eventually};

const OPERATIONS: &str = include_str!("../../../../docs/OPERATIONS.md");
const OPENAPI: [(Service, &str); 2] = [
    (Service::Api, include_str!("../../../../docs/openapi/api.json")),
    (Service::Ingest, include_str!("../../../../docs/openapi/ingest.json")),
];
const HEADING: &str = "## When a server is away";
/// A request that was sent so soon after the server went away may be answered as if it were there: from the cache, or because
/// nobody had noticed.
const NOTICED_WITHIN: Duration = Duration::from_millis(2_500);
/// What a busy machine may add to the time that the table tells.
const SLACK: Duration = Duration::from_millis(500);

/// The column of one server.
pub(crate) struct Table {
    rows: Vec<Row>,
    /// The longest that an answer takes.
    pub(crate) answered_within: Duration,
    /// How soon after the server's return all is as it was.
    pub(crate) back_within: Duration,
}

struct Row {
    service: Service,
    method: String,
    path: String,
    normally: u16,
    away: u16,
}

impl Table {
    /// Reads the column with this heading.
    pub(crate) fn of(server: &str) -> Self {
        let mut lines = lines();
        let heading = lines.remove(0);
        let column =
            heading.iter().position(|cell| cell == server).unwrap_or_else(|| panic!("no column {server} in {heading:?}"));
        let limit = |name: &str| {
            let line = lines.iter().find(|line| line[1].starts_with(name)).unwrap_or_else(|| panic!("no row {name:?}"));
            Duration::from_secs(line[column].parse().unwrap())
        };
        Self {
            rows: lines.iter().filter(|line| !line[0].is_empty()).map(|line| Row::new(line, column)).collect(),
            answered_within: limit("answered within") + SLACK,
            back_within: limit("as before within"),
        }
    }

    /// Sends every request again and again for this long, and once more after everybody must have noticed that the server is
    /// away.
    pub(crate) async fn holds_for(&self, outage: Duration, chat: &Chat, client: &Client) {
        self.holds_but(None, outage, chat, client).await;
    }

    /// As [`Table::holds_for`], but one service's readiness may have noticed nothing yet.
    pub(crate) async fn holds_but(&self, unready: Option<Service>, outage: Duration, chat: &Chat, client: &Client) {
        let began = Instant::now();
        let mut noticed = false;
        while began.elapsed() < outage || !noticed {
            noticed = began.elapsed() > NOTICED_WITHIN;
            for (row, answer) in self.rows.iter().zip(self.ask_all(chat, client).await) {
                let Row { service, method, path, normally, away } = row;
                let noticed = noticed && (path != "/readyz" || unready != Some(*service));
                let text = format!("{method} {path} after {:?}: {} {}", answer.took, answer.status, answer.text());
                assert!(answer.took <= self.answered_within, "too late: {text}");
                assert!(answer.status == *away || (answer.status == *normally && !noticed), "not {away}: {text}");
                // Readiness is told in a form of its own.
                if answer.status == 503 && path != "/readyz" {
                    answer.problem(503, answer.json()["code"].as_str().unwrap_or_default());
                }
            }
            // Refusals come at once: without a pause this would be a load of its own.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until every request is answered as it normally is.
    pub(crate) async fn is_over(&self, chat: &Chat, client: &Client) {
        let normal = async || {
            let answers = self.ask_all(chat, client).await;
            self.rows.iter().zip(answers).all(|(row, answer)| answer.status == row.normally)
        };
        eventually("every request is answered as before", self.back_within, normal).await;
    }

    async fn ask_all(&self, chat: &Chat, client: &Client) -> Vec<Answer> {
        join_all(self.rows.iter().map(|row| row.ask(chat, client))).await
    }
}

impl Row {
    fn new(cells: &[String], column: usize) -> Self {
        let service = match &*cells[0] {
            "api" => Service::Api,
            "ingest" => Service::Ingest,
            other => panic!("no service: {other}"),
        };
        let (method, path) = cells[1].trim_matches('`').split_once(' ').unwrap();
        let status = |column: usize| cells[column].parse().unwrap_or_else(|_| panic!("no status in {cells:?}"));
        Self { service, method: method.to_owned(), path: path.to_owned(), normally: status(2), away: status(column) }
    }

    /// `{number}` is the chat's, `{message}` the first in it, `{absent}` one that was never given.
    async fn ask(&self, chat: &Chat, client: &Client) -> Answer {
        let (application, number) =
            chat.path().split_once("/chats/").map(|(path, number)| (path.to_owned(), number.to_owned())).unwrap();
        let path = self.path.replace("/applications/{token}", &application).replace("{number}", &number);
        let path = path.replace("{message}", "1").replace("{absent}", "9000000");
        let ask = client.ask(self.service, &self.method, &path);
        let body = self.body();
        if body.is_null() { ask.send().await } else { ask.json(body).send().await }
    }

    fn body(&self) -> Value {
        let last = self.path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        match (&*self.method, last) {
            ("GET", _) => Value::Null,
            (_, "messages" | "{message}") => json!({ "body": "a speech in the dark" }),
            (_, "messages:batch") => json!({ "messages": [{ "body": "a speech" }, { "body": "in the dark" }] }),
            _ => json!({ "name": "in the dark" }),
        }
    }
}

/// The table's lines, without the one beneath its heading, as cells.
fn lines() -> Vec<Vec<String>> {
    let (_, section) = OPERATIONS.split_once(HEADING).unwrap_or_else(|| panic!("no {HEADING:?}"));
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    lines.filter(|line| !line.starts_with("|-")).map(cells).collect()
}

#[test]
fn every_route_has_a_row() {
    let told: BTreeSet<_> =
        Table::of("MySQL").rows.iter().map(|row| format!("{:?} {} {}", row.service, row.method, row.path)).collect();
    let told =
        |route: &str| told.iter().any(|row| row == route || row.strip_prefix(route).is_some_and(|rest| rest.starts_with('?')));
    for (service, document) in OPENAPI {
        let document: Value = serde_json::from_str(document).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            // The other family and the older spellings are the same handlers; these two ask no server.
            if path.starts_with("/api/v1") || path.starts_with("/chats") || path == "/healthz" || path == "/metrics" {
                continue;
            }
            for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                let route = format!("{service:?} {} {path}", method.to_uppercase());
                assert!(told(&route), "no row: {route}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_consumer_all_is_accepted_and_answered() {
    let system = System::start().await;
    let chat = system.create_application("no consumer").await.create_chat().await;
    chat.post("a speech").await;
    chat.await_stored(1).await;
    let table = Table::of("consumers");
    table.is_over(&chat, system.client()).await;
    system.stop(Service::Consumer).await;
    table.holds_for(Duration::from_secs(1), &chat, system.client()).await;
    system.launch(Service::Consumer).await;
    table.is_over(&chat, system.client()).await;
}
