//! The servers and services that an answer can depend on, by the names that operators and clients know.

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// The counters.
    Redis,
    /// The queues.
    Rabbitmq,
    /// The tables.
    Mysql,
    /// The search index.
    Elasticsearch,
    /// The counters of requests.
    RateLimits,
    /// The cache, which must learn of updates.
    Cache,
    /// The service that stores what the queues hold.
    Consumer,
}

impl Dependency {
    /// What a client is told: the function that is missing, not the product that performs it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dependency::Redis => "Numbering",
            Dependency::Rabbitmq => "The queue",
            Dependency::Mysql => "Storage",
            Dependency::Elasticsearch => "Search",
            Dependency::RateLimits => "Rate limiting",
            Dependency::Cache => "The cache",
            Dependency::Consumer => "The storing service",
        }
    }
}
