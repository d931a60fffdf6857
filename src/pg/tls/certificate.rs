//! What a certificate says.

use std::net::IpAddr;

use jiff::Timestamp;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::time::Time;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// A certificate, as far as people and the comparison of names care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Whom it is for: the common name, else all of the name.
    pub(super) subject: String,
    /// Who issued it.
    pub(super) issuer: String,
    /// Whom it is for, in the field that went out of use.
    pub(super) common_name: Option<String>,
    /// Host names and addresses it is for.
    pub(super) names: Vec<String>,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    /// Whether it was issued by whom it is for.
    pub(super) is_self_issued: bool,
}

impl Certificate {
    /// Reads DER; nothing if it is none.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(der).ok()?.tbs_certificate;
        let extensions = certificate.extensions.unwrap_or_default();
        let names = extensions
            .iter()
            .filter(|extension| extension.extn_id == SubjectAltName::OID)
            .filter_map(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes()).ok())
            .flat_map(|names| names.0)
            .filter_map(|name| match name {
                GeneralName::DnsName(name) => Some(harmless(name.as_str())),
                GeneralName::IpAddress(bytes) => address(bytes.as_bytes()),
                _ => None,
            })
            .collect();
        Some(Self {
            subject: shown(&certificate.subject),
            issuer: shown(&certificate.issuer),
            common_name: common_name(&certificate.subject),
            names,
            since: timestamp(certificate.validity.not_before)?,
            until: timestamp(certificate.validity.not_after)?,
            is_self_issued: certificate.subject == certificate.issuer,
        })
    }

    /// Whether its common name is this host's. As libpq has it, that counts only where it names no host
    /// otherwise: PostgreSQL's own documentation makes such certificates.
    pub(super) fn is_commonly(&self, host: &str) -> bool {
        let Some(name) = self
            .common_name
            .as_deref()
            .filter(|_| self.names.is_empty())
        else {
            return false;
        };
        let below = |suffix: &str| {
            suffix.contains('.')
                && host.parse::<IpAddr>().is_err()
                && host
                    .split_once('.')
                    .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(suffix))
        };
        name.eq_ignore_ascii_case(host) || name.strip_prefix("*.").is_some_and(below)
    }

    /// Whom it is for, in words: `a.example.com and b.example.com`.
    pub(super) fn bearers(&self) -> String {
        const SHOWN: usize = 4;
        match self.names.as_slice() {
            [] => self.subject.clone(),
            [one] => one.clone(),
            [first @ .., last] if first.len() <= SHOWN => {
                format!("{} and {last}", first.join(", "))
            }
            many => format!(
                "{} and {} others",
                many[..SHOWN].join(", "),
                many.len() - SHOWN
            ),
        }
    }
}

fn shown(name: &Name) -> String {
    common_name(name).unwrap_or_else(|| harmless(&name.to_string()))
}

fn common_name(name: &Name) -> Option<String> {
    // The last one is the most specific.
    let mut attributes = name.0.iter().rev().flat_map(|part| part.0.iter());
    let value = &attributes.find(|part| part.oid == COMMON_NAME)?.value;
    let is_text = matches!(
        value.tag(),
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString
    );
    let text = std::str::from_utf8(value.value()).ok()?;
    (is_text && !text.is_empty()).then(|| harmless(text))
}

/// What a stranger sends goes to a terminal.
fn harmless(text: &str) -> String {
    text.replace(char::is_control, "?")
}

fn address(bytes: &[u8]) -> Option<String> {
    let address = <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
    address.ok().map(|address| address.to_string())
}

fn timestamp(time: Time) -> Option<Timestamp> {
    let seconds = time.to_unix_duration().as_secs();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(common_name: &str, names: &[&str]) -> Certificate {
        Certificate {
            subject: common_name.to_owned(),
            issuer: String::new(),
            common_name: Some(common_name.to_owned()),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            is_self_issued: false,
        }
    }

    #[test]
    fn a_common_name_counts_where_there_is_no_other() {
        for (name, host, is_it) in [
            ("db.example.com", "DB.example.com", true),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("*.0.0.1", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
        ] {
            assert_eq!(
                certificate(name, &[]).is_commonly(host),
                is_it,
                "{name} {host}"
            );
        }
        assert!(!certificate("db.example.com", &["other"]).is_commonly("db.example.com"));
    }

    #[test]
    fn many_names_are_not_all_told() {
        let bearers = |names: &[&str]| certificate("cn", names).bearers();
        assert_eq!(bearers(&[]), "cn");
        assert_eq!(bearers(&["a"]), "a");
        assert_eq!(bearers(&["a", "b", "c"]), "a, b and c");
        assert_eq!(bearers(&["a", "b", "c", "d", "e"]), "a, b, c, d and e");
        assert_eq!(
            bearers(&["a", "b", "c", "d", "e", "f"]),
            "a, b, c, d and 2 others"
        );
    }
}
