//! What the command prints on standard output.

use devstack::{Database, Server, State, Urls};

/// A table of the servers.
pub(super) fn servers(state: &State) {
    println!("{:<14} {:<8} {:>8} {:>9}  address", "server", "state", "pid", "memory");
    for status in &state.servers {
        let name = match (status.server, state.database) {
            (Server::Mysql, Database::Mariadb) => "mariadb",
            (server, _) => server.name(),
        };
        let condition = format!("{:?}", status.condition).to_lowercase();
        let pid = status.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let memory = format!("{} MiB", status.memory_mib);
        let url = url(&state.urls, status.server);
        println!("{name:<14} {condition:<8} {pid:>8} {memory:>9}  {url}");
    }
    let urls = &state.urls;
    println!("RabbitMQ management: {} (login {} / {})", urls.rabbitmq_management, urls.rabbitmq_user, urls.rabbitmq_password);
}

/// Lines for `eval "$(devstack env)"`. The values hold no character that a shell would expand.
pub(super) fn exports(urls: &Urls) {
    for (name, value) in urls.environment() {
        println!("export {name}='{value}'");
    }
}

fn url(urls: &Urls, server: Server) -> &str {
    match server {
        Server::Mysql => &urls.mysql,
        Server::Redis => &urls.redis,
        Server::Rabbitmq => &urls.amqp,
        Server::Elasticsearch => &urls.elasticsearch,
    }
}
