//! The three services and what tells them apart from outside.

use std::fmt;

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Reads, updates and searches.
    Api,
    /// Accepts creates.
    Ingest,
    /// Stores and indexes; its port is for operators only.
    Consumer,
}

impl Service {
    /// All three, in the order in which they are started.
    pub const ALL: [Service; 3] = [Service::Consumer, Service::Ingest, Service::Api];

    /// The program's name, and the cargo package's.
    pub fn name(self) -> &'static str {
        match self {
            Service::Api => "api",
            Service::Ingest => "ingest",
            Service::Consumer => "consumer",
        }
    }

    /// The port that users expect.
    pub fn usual_port(self) -> u16 {
        match self {
            Service::Api => 3000,
            Service::Ingest => 8080,
            Service::Consumer => 9090,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
