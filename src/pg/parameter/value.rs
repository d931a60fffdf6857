//! What the values of parameters may be, and where they go.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::error::{Error, nearest};
use crate::pg::conninfo;
use crate::pg::endpoint::{CertificateMode, ChannelBinding, Draft, Host, Mode, Trust, Wanted};
use crate::pg::options::{self, Options};

/// Why a value cannot be. Never holds the value, which may be part of a password.
#[derive(Debug, Clone, Copy)]
pub enum Wrong {
    /// It is none of these.
    NoneOf(&'static [&'static str], Option<&'static str>),
    /// It is no whole number of these.
    NoNumber(&'static str),
    /// Why, and what to do.
    Because(&'static str, &'static str),
}

type Outcome = Result<(), Wrong>;

impl Wrong {
    /// The error of the parameter of this name.
    pub fn about(self, name: &str) -> Error {
        match self {
            Self::NoneOf(values, near) => {
                let hint = match near {
                    Some(near) => format!("did you mean `{name}={near}`?"),
                    None => format!("give it one of {}", values.join(", ")),
                };
                Error::configuration(format!("the value of {name} is unknown")).hint(hint)
            }
            Self::NoNumber(unit) => {
                Error::configuration(format!("the value of {name} is not a whole number"))
                    .hint(format!("write it in {unit}, such as `{name}=10`"))
            }
            Self::Because(why, instead) => {
                Error::configuration(format!("{name} {why}")).hint(instead)
            }
        }
    }
}

/// The place of a value among those there are.
fn one_of(text: &str, values: &'static [&'static str]) -> Result<usize, Wrong> {
    values
        .iter()
        .position(|value| *value == text)
        .ok_or_else(|| Wrong::NoneOf(values, nearest(text, values.iter().copied())))
}

/// A whole number as C reads it: with a sign if it likes, and blanks around it.
pub fn whole(text: &str) -> Option<i32> {
    text.trim_ascii().parse().ok()
}

/// A positive number of units; nothing for zero and below, which mean the system's default.
fn positive(text: &str, unit: &'static str) -> Result<Option<u32>, Wrong> {
    let number = whole(text).ok_or(Wrong::NoNumber(unit))?;
    Ok(u32::try_from(number).ok().filter(|number| *number > 0))
}

fn seconds(text: &str) -> Result<Option<Duration>, Wrong> {
    let seconds = positive(text, "seconds")?;
    Ok(seconds.map(|seconds| Duration::from_secs(seconds.into())))
}

/// To libpq, no text is as good as no parameter.
fn said(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The elements of a list, any of which may be empty; none of an empty text.
fn list<T>(
    text: &str,
    element: impl Fn(&str) -> Result<T, Wrong>,
) -> Result<Vec<Option<T>>, Wrong> {
    let text = said(text);
    let elements = text.iter().flat_map(|text| text.split(','));
    elements
        .map(|text| (!text.is_empty()).then(|| element(text)).transpose())
        .collect()
}

pub(super) fn host(draft: &mut Draft, text: &str) -> Outcome {
    draft.hosts = list(text, |text| {
        if text.starts_with('/') {
            return Ok(Host::Socket(PathBuf::from(text)));
        }
        if text.starts_with('@') {
            return Err(Wrong::Because(
                "is an abstract socket, which is not spoken to",
                "name the folder of the server's socket, or its host; an @ in a password is %40",
            ));
        }
        // Names are wider than the rules for them, but a password that went astray seldom is one.
        let fits = |letter: char| letter.is_alphanumeric() || "-_.:%".contains(letter);
        if text.chars().all(fits) {
            Ok(Host::Name(text.to_owned()))
        } else {
            Err(Wrong::Because(
                "is not the name of a server",
                "escape what stands in a user or a password (@ is %40, / is %2F); the folder of a socket begins with /",
            ))
        }
    })?;
    Ok(())
}

pub(super) fn hostaddr(draft: &mut Draft, text: &str) -> Outcome {
    draft.addresses = list(text, |text| {
        text.parse().map_err(|_| {
            Wrong::Because(
                "is not an IP address",
                "write `hostaddr=192.0.2.1`, or name the server with `host`",
            )
        })
    })?;
    Ok(())
}

pub(super) fn port(draft: &mut Draft, text: &str) -> Outcome {
    draft.ports = list(text, |text| {
        whole(text)
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port != 0)
            .ok_or(Wrong::Because(
                "is not a number from 1 to 65535",
                "write it as in `host:5432`; a colon in a user or a password is %3A, a slash %2F",
            ))
    })?;
    Ok(())
}

pub(super) fn dbname(draft: &mut Draft, text: &str) -> Outcome {
    // It would be shown as the database's name, with the password in it.
    if conninfo::is_nested(text) {
        return Err(Wrong::Because(
            "holds a whole connection string",
            "give that connection string alone",
        ));
    }
    draft.endpoint.database = said(text);
    Ok(())
}

pub(super) fn target_session_attrs(draft: &mut Draft, text: &str) -> Outcome {
    let values = &[
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ];
    draft.endpoint.wanted = [
        Wanted::Any,
        Wanted::ReadWrite,
        Wanted::ReadOnly,
        Wanted::Primary,
        Wanted::Standby,
        Wanted::PreferStandby,
    ][one_of(text, values)?];
    Ok(())
}

pub(super) fn load_balance_hosts(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.shuffled = one_of(text, &["disable", "random"])? == 1;
    Ok(())
}

pub(super) fn user(draft: &mut Draft, text: &str) {
    draft.endpoint.user = said(text);
}

pub(super) fn password(draft: &mut Draft, text: &str) -> Outcome {
    // As it stands in the addresses Supabase gives out.
    if text == "[YOUR-PASSWORD]" {
        return Err(Wrong::Because(
            "is a placeholder",
            "leave the password out of the address, and set PGPASSWORD or what `password_env` names",
        ));
    }
    draft.endpoint.password = said(text).map(SecretString::from);
    Ok(())
}

pub(super) fn passfile(draft: &mut Draft, text: &str) {
    draft.endpoint.passfile = draft.path(text);
}

pub(super) fn channel_binding(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.tls.channel_binding = [
        ChannelBinding::Disable,
        ChannelBinding::Prefer,
        ChannelBinding::Require,
    ][one_of(text, &["disable", "prefer", "require"])?];
    Ok(())
}

pub(super) fn sslmode(draft: &mut Draft, text: &str) -> Outcome {
    if text == "no-verify" {
        return Err(Wrong::Because(
            "has a value only Node.js knows",
            "write `sslmode=require`, which does not verify the server either, or better `sslmode=verify-full`",
        ));
    }
    let values = &[
        "disable",
        "allow",
        "prefer",
        "require",
        "verify-ca",
        "verify-full",
    ];
    draft.endpoint.tls.mode = Some(
        [
            Mode::Disable,
            // Plain text is not tried first: both end in either, and TLS is better.
            Mode::Prefer,
            Mode::Prefer,
            Mode::Require,
            Mode::VerifyCa,
            Mode::VerifyFull,
        ][one_of(text, values)?],
    );
    Ok(())
}

pub(super) fn sslnegotiation(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.tls.direct = one_of(text, &["postgres", "direct"])? == 1;
    Ok(())
}

pub(super) fn sslrootcert(draft: &mut Draft, text: &str) {
    draft.endpoint.tls.trust = match text {
        "system" => Some(Trust::System),
        "supabase" => Some(Trust::Supabase),
        _ => draft.path(text).map(Trust::File),
    };
}

pub(super) fn sslcert(draft: &mut Draft, text: &str) {
    draft.endpoint.tls.certificate = draft.path(text);
}

pub(super) fn sslkey(draft: &mut Draft, text: &str) {
    draft.endpoint.tls.key = draft.path(text);
}

pub(super) fn sslcertmode(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.tls.certificate_mode = [
        CertificateMode::Disable,
        CertificateMode::Allow,
        CertificateMode::Require,
    ][one_of(text, &["disable", "allow", "require"])?];
    Ok(())
}

pub(super) fn sslcrl(draft: &mut Draft, text: &str) {
    draft.endpoint.tls.revoked = draft.path(text);
}

pub(super) fn sslsni(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.tls.sni = one_of(text, &["0", "1"])? == 1;
    Ok(())
}

/// The number after `TLSv1.`; nothing of an empty text.
fn tls_version(text: &str) -> Result<Option<usize>, Wrong> {
    const VERSIONS: &[&str] = &["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    if text.is_empty() {
        return Ok(None);
    }
    let version = VERSIONS
        .iter()
        .position(|version| version.eq_ignore_ascii_case(text));
    version.map(Some).ok_or(Wrong::NoneOf(VERSIONS, None))
}

pub(super) fn ssl_min_protocol_version(draft: &mut Draft, text: &str) -> Outcome {
    // Nothing below 1.2 is spoken anyway.
    draft.endpoint.tls.only_1_3 = tls_version(text)? == Some(3);
    Ok(())
}

pub(super) fn ssl_max_protocol_version(draft: &mut Draft, text: &str) -> Outcome {
    let version = tls_version(text)?;
    if version < Some(2) && version.is_some() {
        return Err(Wrong::Because(
            "allows nothing but versions that are broken",
            "leave it out: TLS 1.2 and 1.3 are spoken",
        ));
    }
    draft.endpoint.tls.only_1_2 = version == Some(2);
    Ok(())
}

pub(super) fn options(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.options = Options::parse(text).map_err(|options::WithoutValue| {
        Wrong::Because(
            "holds a setting without a value",
            "write `-c name=value`, with a backslash before every blank in the value",
        )
    })?;
    Ok(())
}

/// An empty one counts: then the session has no name.
pub(super) fn application_name(draft: &mut Draft, text: &str) {
    draft.endpoint.application_name = Some(text.to_owned());
}

pub(super) fn fallback_application_name(draft: &mut Draft, text: &str) {
    draft.fallback_name = said(text);
}

pub(super) fn client_encoding(_: &mut Draft, text: &str) -> Outcome {
    let plain: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    if ["", "utf8", "unicode", "auto"].contains(&plain.as_str()) {
        Ok(())
    } else {
        Err(Wrong::Because(
            "is not UTF-8, and nothing else is spoken",
            "leave it out: the server converts, whatever the database's encoding is",
        ))
    }
}

/// libpq waits for two seconds when told one; here one is one.
pub(super) fn connect_timeout(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.connect_timeout = Some(seconds(text)?.unwrap_or(Duration::MAX));
    Ok(())
}

pub(super) fn keepalives(draft: &mut Draft, text: &str) -> Outcome {
    let number = whole(text).ok_or(Wrong::NoneOf(&["0", "1"], None))?;
    draft.endpoint.keepalive.on = number != 0;
    Ok(())
}

pub(super) fn keepalives_idle(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.keepalive.idle = seconds(text)?;
    Ok(())
}

pub(super) fn keepalives_interval(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.keepalive.interval = seconds(text)?;
    Ok(())
}

pub(super) fn keepalives_count(draft: &mut Draft, text: &str) -> Outcome {
    draft.endpoint.keepalive.count = positive(text, "probes")?;
    Ok(())
}

pub(super) fn tcp_user_timeout(draft: &mut Draft, text: &str) -> Outcome {
    let limit = positive(text, "milliseconds")?;
    draft.endpoint.keepalive.user_timeout = limit.map(|limit| Duration::from_millis(limit.into()));
    Ok(())
}
