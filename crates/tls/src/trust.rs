//! Whose certificates are trusted: Mozilla's list of certificate authorities, which is built in, and those of one file.
//!
//! The list of the machine is not asked: it is another on each, and missing from the images.

use std::{fmt, fs, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde::Deserialize;

use crate::Error;

/// Whose certificates are trusted. Cheap to clone; the default is the built-in list alone.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Settings")]
pub struct Trust {
    roots: Arc<RootCertStore>,
    file: Option<Arc<File>>,
}

/// The section `tls`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    ca_file: String,
}

/// What was read of a file.
struct File {
    name: String,
    pem: String,
}

impl Trust {
    /// The built-in list, and the certificates of this file besides: PEM, one or several. An empty name stands for no file.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::NoCertificate`] or [`Error::BadCertificate`], with the file's name.
    pub fn with_file(name: &str) -> Result<Self, Error> {
        if name.is_empty() {
            return Ok(Self::default());
        }
        let pem =
            fs::read_to_string(name).map_err(|cause| Error::Unreadable { file: name.to_owned(), cause: cause.to_string() })?;
        Self::with_certificates(name, pem)
    }

    /// The same of a text that was read already; `name` is for errors.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] or [`Error::BadCertificate`].
    pub fn with_certificates(name: &str, pem: String) -> Result<Self, Error> {
        let mut roots = built_in();
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            count += 1;
            let usable = certificate.is_ok_and(|certificate| roots.add(certificate).is_ok());
            if !usable {
                return Err(Error::BadCertificate { file: name.to_owned(), number: count });
            }
        }
        if count == 0 {
            return Err(Error::NoCertificate { file: name.to_owned() });
        }
        Ok(Self { roots: Arc::new(roots), file: Some(Arc::new(File { name: name.to_owned(), pem })) })
    }

    /// The file's certificates, PEM, for a client that has TLS of its own. It must trust Mozilla's list by itself.
    pub fn pem(&self) -> Option<&str> {
        self.file.as_deref().map(|file| file.pem.as_str())
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        self.roots.clone()
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self { roots: Arc::new(built_in()), file: None }
    }
}

fn built_in() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

impl TryFrom<Settings> for Trust {
    type Error = Error;

    fn try_from(settings: Settings) -> Result<Self, Error> {
        Self::with_file(&settings.ca_file)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("ca_file", &self.file.as_deref().map(|file| &file.name)).finish_non_exhaustive()
    }
}
