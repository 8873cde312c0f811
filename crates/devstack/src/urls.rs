//! The addresses under which a stack answers.

use serde::{Deserialize, Serialize};

use crate::ports::Assigned;

/// Where each server of a stack answers, all on 127.0.0.1, which URLs with TLS call `localhost`. Filled for servers that do not
/// run, too: their ports are theirs from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urls {
    /// `mysql://root@127.0.0.1:<port>`, without a database name; with TLS `mysql://root@localhost:<port>?require_ssl=true`.
    pub mysql: String,
    /// `redis://127.0.0.1:<port>`, or `rediss://localhost:<port>`.
    pub redis: String,
    /// `amqp://guest:guest@127.0.0.1:<port>/%2f`, or `amqps://guest:guest@localhost:<port>/%2f`.
    pub amqp: String,
    /// `http://127.0.0.1:<port>`: the management UI, and its API under `/api`.
    pub rabbitmq_management: String,
    /// `http://127.0.0.1:<port>/metrics`.
    pub rabbitmq_prometheus: String,
    /// The login for both AMQP and the management UI.
    pub rabbitmq_user: String,
    /// Its password.
    pub rabbitmq_password: String,
    /// `http://127.0.0.1:<port>`, or `https://localhost:<port>`.
    pub elasticsearch: String,
}

impl Urls {
    pub(crate) fn new(ports: &Assigned, secure: bool) -> Self {
        let http = |port| format!("http://127.0.0.1:{port}");
        // A certificate is for a name.
        let (s, host, mysql) = if secure { ("s", "localhost", "?require_ssl=true") } else { ("", "127.0.0.1", "") };
        Self {
            mysql: format!("mysql://root@{host}:{}{mysql}", ports.mysql),
            redis: format!("redis{s}://{host}:{}", ports.redis),
            amqp: format!("amqp{s}://guest:guest@{host}:{}/%2f", ports.amqp),
            rabbitmq_management: http(ports.rabbitmq_management),
            rabbitmq_prometheus: format!("{}/metrics", http(ports.rabbitmq_prometheus)),
            rabbitmq_user: "guest".to_owned(),
            rabbitmq_password: "guest".to_owned(),
            elasticsearch: format!("http{s}://{host}:{}", ports.elasticsearch),
        }
    }

    /// The environment variables by which the services and the tests find the servers.
    pub fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("DATABASE_URL", &self.mysql),
            ("REDIS_URL", &self.redis),
            ("AMQP_URL", &self.amqp),
            ("ELASTICSEARCH_URL", &self.elasticsearch),
            ("RABBITMQ_MANAGEMENT_URL", &self.rabbitmq_management),
        ]
    }
}
