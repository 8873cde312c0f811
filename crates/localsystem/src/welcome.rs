//! What a person is shown when the system is up: where everything is, and lines to paste.

use std::path::Path;

use localsystem::{LocalSystem, Service};

pub(crate) fn print(system: &LocalSystem) {
    let api = format!("http://{}", system.address(Service::Api));
    let ingest = format!("http://{}", system.address(Service::Ingest));
    let consumer = format!("http://{}", system.address(Service::Consumer));
    let urls = system.stack().urls();
    say::say!(
        r#"
The system is up.

  read, update, search   {api}
  create                 {ingest}
  console                {api}/console   (the pipeline live, dead letters, counts)
  documentation          {api}/swagger/ and {ingest}/swagger/   (OpenAPI: /api-docs/openapi.json)
  consumer's metrics     {consumer}/metrics   (each service has /healthz, /readyz, /metrics)
  queues                 {management}   (user {user}, password {password})
  database               {mysql}/chat
  search index           {elasticsearch}
  servers' logs          {logs}

Try it:

  TOKEN=$(curl -s {api}/applications -d '{{"name":"demo"}}' -H 'content-type: application/json' | sed 's/.*"token":"\([0-9a-f]*\)".*/\1/')
  curl -s -X POST {ingest}/applications/$TOKEN/chats
  curl -s {ingest}/applications/$TOKEN/chats/1/messages -d '{{"body":"Shall I compare thee to a summer’s day?"}}' -H 'content-type: application/json'
  curl -s {api}/applications/$TOKEN/chats/1/messages/1
  curl -s "{api}/applications/$TOKEN/chats/1/messages/search?query=SUMM"

Shakespeare's plays:  make demo
Take a server away:   {devstack} kill redis{data}   (back: start; others: {devstack} --help)
End:                  Ctrl-C
"#,
        management = urls.rabbitmq_management,
        user = urls.rabbitmq_user,
        password = urls.rabbitmq_password,
        mysql = urls.mysql,
        elasticsearch = urls.elasticsearch,
        logs = system.stack().logs().display(),
        devstack = "cargo run -p devstack --",
        data = data_flag(&system.stack().root()),
    );
}

/// How devstack's verbs find the stack on this data directory: they look into the user's own by themselves.
fn data_flag(root: &Path) -> String {
    let usual = devstack::default_data_directory().ok().and_then(|path| path.canonicalize().ok());
    if usual.as_deref() == Some(root) { String::new() } else { format!(" --data {}", root.display()) }
}
