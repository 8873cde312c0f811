//! A list of networks, as operators write it: `10.0.0.0/8, 2001:db8::/32, 192.0.2.1`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// Networks and single addresses; may be empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether the address is in one of them. It must be in its canonical form: no IPv4 address inside an IPv6 one.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl TryFrom<String> for Networks {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| format!("rate_limit.trusted_proxies: {text:?} is neither a network such as 10.0.0.0/8 nor an address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_are_listed() {
        let networks = Networks::try_from(" 10.0.0.0/8,192.0.2.1 , 2001:db8::/32, ".to_owned()).unwrap();
        for (address, inside) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.contain(address.parse().unwrap()), inside, "{address}");
        }
        assert!(!Networks::try_from(String::new()).unwrap().contain("127.0.0.1".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "10.0.0", "localhost", "10.0.0.1:80", "*"] {
            assert!(Networks::try_from(wrong.to_owned()).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
