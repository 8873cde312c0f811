//! Why there is no TLS connection, in sentences for an operator. They hold no URL, no secret and no certificate.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError};

/// What is wrong. Those of files are told when a service starts; all others pass when their cause does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file of certificates cannot be read.
    #[error("the file {file}, which tls.ca_file names, cannot be read: {cause}")]
    Unreadable {
        /// Its name.
        file: String,
        /// What the operating system says.
        cause: String,
    },
    /// There is no certificate in the file.
    #[error("the file {file}, which tls.ca_file names, holds no certificate in PEM form")]
    NoCertificate {
        /// Its name.
        file: String,
    },
    /// A certificate in the file is not one.
    #[error("the file {file}, which tls.ca_file names, is damaged: its certificate {number} cannot be read")]
    BadCertificate {
        /// Its name.
        file: String,
        /// Which one, counted from 1.
        number: usize,
    },
    /// The URL's host can be no name in a certificate.
    #[error("the URL's host is neither a name nor an address")]
    BadName,
    /// The connection beneath could not be made.
    #[error("no connection can be made: {0}")]
    Unreachable(String),
    /// The connection beneath was not made in time.
    #[error("no connection was made in time")]
    TimedOut,
    /// There was a connection, and no answer on it.
    #[error("the TLS handshake was not answered in time; perhaps the server does not speak TLS on this port")]
    Silent,
    /// The answer was no TLS, or there is none to be had.
    #[error("the server does not speak TLS on this port")]
    NotSpoken,
    /// The connection ended in the middle of the handshake.
    #[error("the server broke the TLS handshake off; perhaps it does not speak TLS on this port")]
    BrokenOff,
    /// Nobody who is trusted has signed the certificate.
    #[error(
        "the server's certificate is signed by nobody who is trusted here: the file that tls.ca_file names must hold its CA's"
    )]
    Untrusted,
    /// The certificate is no longer valid.
    #[error("the server's certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("the server's certificate is not valid yet; do the clocks differ?")]
    NotYetValid,
    /// The certificate is another server's.
    #[error("the server's certificate is for another name than the URL's")]
    WrongName,
    /// Something else is wrong with the certificate.
    #[error("the server's certificate cannot be accepted: {0}")]
    Certificate(String),
    /// The server ended the handshake with this alert.
    #[error("the server refuses TLS: {0}")]
    Refused(String),
    /// Anything else that the protocol forbids, or that cannot be agreed on.
    #[error("TLS failed: {0}")]
    Protocol(String),
}

impl Error {
    /// What TLS has to say in the causes of a client's error; `None` if it is about something else.
    pub fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Some(error.into());
            }
            // An io::Error's source is its content's source, not its content.
            let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = match content {
                Some(content) => Some(content),
                None => error.source(),
            };
        }
        None
    }

    /// Whether the server speaks TLS, and its certificate is what is wrong.
    pub fn is_about_certificate(&self) -> bool {
        matches!(self, Self::Untrusted | Self::Expired | Self::NotYetValid | Self::WrongName | Self::Certificate(_))
    }
}

impl From<&rustls::Error> for Error {
    fn from(error: &rustls::Error) -> Self {
        use CertificateError::{
            BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext,
            UnknownIssuer,
        };
        match error {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                Expired | ExpiredContext { .. } => Self::Expired,
                NotValidYet | NotValidYetContext { .. } => Self::NotYetValid,
                NotValidForName | NotValidForNameContext { .. } => Self::WrongName,
                // Of an authority that was made anew under its old name only the signature tells.
                UnknownIssuer | BadSignature => Self::Untrusted,
                other => Self::Certificate(other.to_string()),
            },
            rustls::Error::InvalidMessage(_) => Self::NotSpoken,
            rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
                Self::Refused("it wants a client's certificate, which cannot be set here".to_owned())
            }
            rustls::Error::AlertReceived(alert) => Self::Refused(format!("{alert:?}")),
            other => Self::Protocol(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tls_says_is_found_however_deep_it_lies() {
        let verdict = || rustls::Error::from(CertificateError::UnknownIssuer);
        let io = |inner| io::Error::new(io::ErrorKind::InvalidData, inner);
        assert_eq!(Error::behind(&verdict()), Some(Error::Untrusted));
        assert_eq!(Error::behind(&io(verdict())), Some(Error::Untrusted));
        assert_eq!(Error::behind(&io::Error::other(io(verdict()))), Some(Error::Untrusted));
        assert_eq!(Error::behind(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
        assert_eq!(Error::behind(&io::Error::other("something else")), None);
    }
}
