//! The domain of a DNS server's zone.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use hickory_proto::rr::Name;

use crate::discovery::is_dns_label;

/// The longest domain, in bytes: names below it have three more labels.
const LONGEST: usize = 60;

/// Domain of the zone that a DNS server answers for: DNS labels (RFC 1123) with dots in between, at most 60 bytes, as in
/// `swimlab` or `swimlab.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsDomain(Name);

/// Reason why a text is no domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainError(Box<str>);

impl DnsDomain {
    pub(super) fn name(&self) -> &Name {
        &self.0
    }
}

impl Default for DnsDomain {
    fn default() -> Self {
        "swimlab".parse().expect("a label")
    }
}

impl FromStr for DnsDomain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        let labels = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_domain = labels.len() <= LONGEST && labels.split('.').all(is_dns_label);
        let name = is_domain.then(|| Name::from_ascii(format!("{labels}.")).ok()).flatten();
        name.map(Self).ok_or_else(|| DomainError(text.into()))
    }
}

impl fmt::Display for DnsDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "{text:?} is no domain: labels of letters, digits and hyphens with dots in between, {LONGEST} bytes at most"
        )
    }
}

impl Error for DomainError {}
