//! Whose request it is.
//!
//! The peer of the connection, unless that is a trusted proxy. A proxy appends the address of its own peer to a header, so the
//! header is walked from the right, for as long as the address at hand is a trusted proxy's; what stands further left was written
//! by whoever that proxy's peer is, and is not looked at. An entry that cannot be read ends the walk at the proxy that passed it
//! on. It must never believe a header of a peer that is not trusted.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};

use crate::{Networks, ProxyHeader};

/// Finds whose a request is.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) trusted: Networks,
    pub(crate) header: ProxyHeader,
}

impl Clients {
    /// Whose the request with these headers is, which came from `peer`.
    pub(crate) fn of(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut address = peer.to_canonical();
        if self.trusted.contain(address) {
            let (name, read): (HeaderName, fn(&str) -> Option<IpAddr>) = match self.header {
                ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, node),
                ProxyHeader::Forwarded => (FORWARDED, forwarded_for),
            };
            // Several lines of a header are one list (RFC 9110, 5.3).
            let lines: Vec<_> = headers.get_all(name).collect();
            let mut hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
            while self.trusted.contain(address)
                && let Some(hop) = hops.next().and_then(|hop| read(std::str::from_utf8(hop).ok()?.trim()))
            {
                address = hop.to_canonical();
            }
        }
        Client::from(address)
    }
}

/// The address in one element of `Forwarded`: `for=192.0.2.1;proto=https`, `For="[2001:db8::1]:4711"`.
///
/// An element is cut out at commas and semicolons even if those stand in quotes. Whatever a client has quoted stands further left
/// than what a proxy appends, so it cannot change how that is read.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let (_, value) =
        element.split(';').filter_map(|pair| pair.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = value.trim();
    node(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address with or without a port; `unknown` and made-up names are none.
fn node(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed)
}

/// Who is counted as one: an IPv4 address, or the /64 of an IPv6 address, because whoever has one such address has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6([a, b, c, d]) => write!(f, "{}/64", Ipv6Addr::new(*a, *b, *c, *d, 0, 0, 0, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const TRUSTED: &str = "10.0.0.0/8, fd00::/8";

    fn clients(header: ProxyHeader) -> Clients {
        Clients { trusted: Networks::try_from(TRUSTED.to_owned()).unwrap(), header }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn found(header: ProxyHeader, name: HeaderName, peer: &str, lines: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        lines.iter().for_each(|line| headers.append(name.clone(), HeaderValue::from_bytes(line).unwrap()));
        clients(header).of(address(peer), &headers).to_string()
    }

    fn by_list(peer: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        found(ProxyHeader::XForwardedFor, X_FORWARDED_FOR, peer, &lines)
    }

    #[test]
    fn the_list_is_walked_from_the_right_past_trusted_proxies() {
        for (peer, lines, expected) in [
            ("192.0.2.1", &[] as &[&str], "192.0.2.1"),
            ("192.0.2.1", &["203.0.113.5"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["203.0.113.5, 10.0.0.2,10.0.0.3"], "203.0.113.5"),
            ("10.0.0.1", &["203.0.113.5", "10.0.0.2"], "203.0.113.5"),
            ("10.0.0.1", &["203.0.113.5:4711"], "203.0.113.5"),
            ("10.0.0.1", &["203.0.113.5, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.5,"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("fd00::1", &["[2001:db8:0:7:1::1]:80"], "2001:db8:0:7::/64"),
            ("fd00::1", &["2001:db8:0:7:2::2"], "2001:db8:0:7::/64"),
        ] {
            assert_eq!(by_list(peer, lines), expected, "{peer} {lines:?}");
        }
        let beyond_ascii = [b"203.0.113.5, \xff, 10.0.0.2".as_slice()];
        assert_eq!(found(ProxyHeader::XForwardedFor, X_FORWARDED_FOR, "10.0.0.1", &beyond_ascii), "10.0.0.2");
    }

    #[test]
    fn forwarded_is_read_like_the_list() {
        for (line, expected) in [
            ("for=203.0.113.5", "203.0.113.5"),
            ("proto=https;For=203.0.113.5;by=10.0.0.1", "203.0.113.5"),
            ("for=1.1.1.1, for=\"203.0.113.5:80\" , for=10.0.0.2", "203.0.113.5"),
            ("for=\"[2001:db8:0:7::1]:4711\"", "2001:db8:0:7::/64"),
            ("for=\"[2001:db8:0:7::1]\"", "2001:db8:0:7::/64"),
            ("for=203.0.113.5, for=_hidden", "10.0.0.1"),
            ("for=203.0.113.5, by=10.0.0.9", "10.0.0.1"),
            ("for=\"an open quote, for=203.0.113.5", "203.0.113.5"),
        ] {
            assert_eq!(found(ProxyHeader::Forwarded, FORWARDED, "10.0.0.1", &[line.as_bytes()]), expected, "{line}");
        }
    }

    #[test]
    fn the_header_that_proxies_do_not_write_is_not_believed() {
        let spoofed = [b"203.0.113.5".as_slice()];
        assert_eq!(found(ProxyHeader::Forwarded, X_FORWARDED_FOR, "10.0.0.1", &spoofed), "10.0.0.1");
        let spoofed = [b"for=203.0.113.5".as_slice()];
        assert_eq!(found(ProxyHeader::XForwardedFor, FORWARDED, "10.0.0.1", &spoofed), "10.0.0.1");
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::V4), any::<Ipv6Addr>().prop_map(IpAddr::V6)].prop_map(|a| a.to_canonical())
    }

    fn stranger() -> impl Strategy<Value = IpAddr> {
        any_address().prop_filter("not trusted", |address| !clients(ProxyHeader::XForwardedFor).trusted.contain(*address))
    }

    fn proxy() -> impl Strategy<Value = IpAddr> {
        any::<[u8; 3]>().prop_map(|[b, c, d]| IpAddr::V4(Ipv4Addr::new(10, b, c, d)))
    }

    /// Anything that a header can hold.
    fn written_by_anyone() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b';'), 0x20..0x7f_u8, 0x80..=0xff_u8], 0..60)
    }

    proptest! {
        #[test]
        fn a_stranger_is_taken_for_what_its_connection_is(peer in stranger(), line in written_by_anyone()) {
            for (header, name) in [(ProxyHeader::XForwardedFor, X_FORWARDED_FOR), (ProxyHeader::Forwarded, FORWARDED)] {
                prop_assert_eq!(found(header, name, &peer.to_string(), &[&line]), Client::from(peer).to_string());
            }
        }

        #[test]
        fn nothing_that_a_client_writes_changes_whom_trusted_proxies_name(
            spoofed in written_by_anyone(),
            client in stranger(),
            proxies in prop::collection::vec(proxy(), 1..5),
        ) {
            // Each proxy appends whom it was asked by; the last one is the peer.
            let passed_on = [client].iter().chain(&proxies[1..]).copied().collect::<Vec<_>>();
            let list = passed_on.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
            let elements = passed_on.iter().map(|address| match address {
                IpAddr::V4(address) => format!("for={address}"),
                IpAddr::V6(address) => format!("for=\"[{address}]\";proto=https"),
            });
            let elements = elements.collect::<Vec<_>>().join(",");
            let peer = proxies[0].to_string();
            let expected = Client::from(client).to_string();
            for (header, name, honest) in
                [(ProxyHeader::XForwardedFor, X_FORWARDED_FOR, list), (ProxyHeader::Forwarded, FORWARDED, elements)]
            {
                let one_line = [spoofed.as_slice(), b",", honest.as_bytes()].concat();
                prop_assert_eq!(found(header, name.clone(), &peer, &[&one_line]), expected.clone());
                prop_assert_eq!(found(header, name, &peer, &[&spoofed, honest.as_bytes()]), expected.clone());
            }
        }

        #[test]
        fn whatever_a_proxy_passes_on_the_client_is_one_that_it_or_another_proxy_names(peer in proxy(), line in written_by_anyone()) {
            let found = found(ProxyHeader::XForwardedFor, X_FORWARDED_FOR, &peer.to_string(), &[&line]);
            let text = String::from_utf8_lossy(&line);
            let named = text.split(',').filter_map(|entry| node(entry.trim())).map(|entry| Client::from(entry.to_canonical()).to_string());
            prop_assert!(found == Client::from(peer).to_string() || named.into_iter().any(|name| name == found));
        }
    }
}
