//! What stands for the administrator's token in a browser: a cookie that is derived from it, and a CSRF token, derived from the
//! cookie, that only our own page can send. Both are HMACs (RFC 2104, SHA-256).
//!
//! Both can be checked by every replica, without anything being kept: whoever has the token can make them, and nobody can make
//! the token of them. A cookie ends after half a day, and with the token that it was made of.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac::{Context, HMAC_SHA256, Key};
use service::AdminToken;
use subtle::ConstantTimeEq as _;

/// How long one who has signed in stays so.
pub(crate) const LASTS: Duration = Duration::from_secs(12 * 3600);

/// Makes and checks them.
pub(crate) struct Sessions {
    key: Key,
}

impl Sessions {
    /// Of this token. Without one there are no sessions, and what our own page must send is of this process alone.
    pub(crate) fn new(token: Option<&AdminToken>) -> Self {
        let random: [u8; 32] = rand::random();
        Self { key: Key::new(HMAC_SHA256, token.map_or(&random, AdminToken::as_key)) }
    }

    /// The cookie of one who signs in now: `<end in Unix seconds>.<random>.<code>`.
    pub(crate) fn open(&self) -> String {
        self.make(unix_seconds() + LASTS.as_secs())
    }

    /// Whether a cookie is ours and has not ended.
    pub(crate) fn is_open(&self, cookie: &str) -> bool {
        let mut parts = cookie.split('.');
        let (Some(end), Some(random), Some(code), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        self.is_code("session", &[end, ".", random], code.as_bytes()) && end.parse::<u64>().is_ok_and(|end| unix_seconds() < end)
    }

    /// What must stand in a header of each request that changes something, so that it is known to come from our page: another's
    /// can make a browser send the cookie at most, and never read this.
    pub(crate) fn csrf_token(&self, session: &str) -> String {
        self.code("page", &[session])
    }

    /// Whether this is the session's CSRF token.
    pub(crate) fn is_csrf_token(&self, session: &str, code: &[u8]) -> bool {
        self.is_code("page", &[session], code)
    }

    fn make(&self, end: u64) -> String {
        let (end, random) = (end.to_string(), format!("{:032x}", rand::random::<u128>()));
        let code = self.code("session", &[&end, ".", &random]);
        format!("{end}.{random}.{code}")
    }

    fn code(&self, purpose: &str, parts: &[&str]) -> String {
        let mut code = Context::with_key(&self.key);
        ["chat console ", purpose, " "].iter().chain(parts).for_each(|part| code.update(part.as_bytes()));
        code.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Takes as long whatever is wrong about it.
    fn is_code(&self, purpose: &str, parts: &[&str], code: &[u8]) -> bool {
        code.ct_eq(self.code(purpose, parts).as_bytes()).into()
    }
}

fn unix_seconds() -> u64 {
    // A clock before 1970 lets nobody stay signed in for longer.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(token: &str) -> Sessions {
        Sessions::new(Some(&AdminToken::try_from(token.to_owned()).unwrap()))
    }

    #[test]
    fn a_cookie_is_good_on_every_replica_until_its_end_and_for_its_token_alone() {
        let token = "0123456789abcdef0123456789abcdef";
        let (one, other) = (sessions(token), sessions(token));
        let cookie = one.open();
        assert!(other.is_open(&cookie) && !cookie.contains(token));
        assert_ne!(cookie, one.open());
        assert!(!sessions(&token.replace('0', "1")).is_open(&cookie));
        assert!(!one.is_open(&one.make(unix_seconds())));
        let (end, rest) = cookie.split_once('.').unwrap();
        let later = format!("{}.{rest}", end.parse::<u64>().unwrap() + 1);
        for wrong in
            ["", ".", "..", &later, &cookie[1..], &cookie[..cookie.len() - 1], &format!("{cookie}."), &cookie.replace('.', "")]
        {
            assert!(!one.is_open(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_csrf_token_is_of_one_session_and_is_no_session() {
        let sessions = sessions("0123456789abcdef0123456789abcdef");
        let (cookie, other) = (sessions.open(), sessions.open());
        let code = sessions.csrf_token(&cookie);
        assert!(sessions.is_csrf_token(&cookie, code.as_bytes()));
        assert!(!sessions.is_csrf_token(&other, code.as_bytes()) && !sessions.is_csrf_token(&cookie, b""));
        assert!(!sessions.is_open(&code));
        let nobody = (Sessions::new(None), Sessions::new(None));
        assert!(!nobody.1.is_csrf_token("", nobody.0.csrf_token("").as_bytes()));
    }
}
