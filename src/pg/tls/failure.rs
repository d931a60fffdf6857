//! What it means when a handshake fails.

use std::error::Error as StdError;
use std::io;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use tokio_postgres::error::{DbError, SqlState};

use super::certificate::Certificate;
use super::trust::is_supabase;
use super::{Tls, Trust};
use crate::error::{Error, Kind, io_reason};

/// What the driver says of a failed handshake, and of a server without TLS. Its errors have no kinds to ask for.
const HANDSHAKE: &str = "error performing TLS handshake";
const WITHOUT_TLS: &str = "server does not support TLS";
const NOT_BOUND: &str = "server did not use channel binding";

const SHOW_ANOTHER: &str = "show one whose issuer the server trusts, with `sslcert=` and `sslkey=`, or none with `sslcertmode=disable`";

impl Tls {
    /// What it means that no connection came about, if TLS is why.
    pub fn explain(&self, error: &(dyn StdError + 'static)) -> Option<Error> {
        if let Some(tls) = chain(error).find_map(tls_error) {
            return Some(self.explain_tls(tls));
        }
        if let Some(db) = chain(error).find_map(|error| error.downcast_ref::<DbError>()) {
            return self.explain_db(db);
        }
        if chain(error).any(|error| error.to_string() == WITHOUT_TLS) {
            let error = unreachable("the server does not offer TLS");
            return Some(error.hint(
                "have `ssl` turned on there; only through a tunnel that ends on this machine write `sslmode=disable`",
            ));
        }
        if chain(error).any(|error| error.to_string() == NOT_BOUND) {
            let error = unreachable("the server does not tie the password to the TLS connection");
            return Some(error.hint(
                "have the password stored as `scram-sha-256` there, or write `channel_binding=prefer`",
            ));
        }
        let io = chain(error).find_map(|error| error.downcast_ref::<io::Error>())?;
        self.explain_io(io, error.to_string() == HANDSHAKE)
    }

    fn explain_tls(&self, error: &TlsError) -> Error {
        match error {
            TlsError::InvalidCertificate(reason) => self.explain_certificate(reason),
            TlsError::AlertReceived(alert) => self.explain_alert(*alert),
            TlsError::PeerIncompatible(_) => self.nothing_in_common().because(error.clone()),
            TlsError::InvalidMessage(_) => {
                unreachable("the server's answer is not TLS").hint(if self.wishes.direct {
                    "remove `sslnegotiation=direct`: PostgreSQL before 17 does not know it"
                } else {
                    "check the host and the port of its address"
                })
            }
            TlsError::InvalidCertRevocationList(_) => {
                unreachable(format!("{} is no list of the issuer's", self.list()))
                    .because(error.clone())
                    .hint("fetch the list again, or remove `sslcrl=`")
            }
            error => unreachable("the TLS handshake failed")
                .because(error.clone())
                .hint("check the server's log"),
        }
    }

    fn explain_certificate(&self, reason: &CertificateError) -> Error {
        use CertificateError as Reason;
        let shown = self.record.certificate();
        let shown = shown.as_ref();
        match reason {
            Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
                self.wrong_name(shown)
            }
            Reason::UnknownIssuer => self.nobody_vouches(shown),
            Reason::ExpiredContext { not_after, .. } => {
                let is_its_own = shown.is_some_and(|shown| {
                    u64::try_from(shown.until.as_second()) == Ok(not_after.as_secs())
                });
                let day = day(*not_after);
                unreachable(if is_its_own {
                    format!("the server's certificate expired on {day}")
                } else {
                    format!("a certificate between the server's and a trusted one expired on {day}")
                })
                .hint("have the server's certificate renewed")
            }
            Reason::NotValidYetContext { not_before, time } => unreachable(format!(
                "the server's certificate is valid from {} on only",
                day(*not_before)
            ))
            .note(format!("this machine's clock says {}", day(*time)))
            .hint("set the clock right, or have the server's certificate replaced"),
            Reason::Revoked => unreachable(format!(
                "the server's certificate is revoked in {}",
                self.list()
            ))
            .hint("have the server's certificate replaced"),
            Reason::UnknownRevocationStatus => unreachable(format!(
                "{} has no list of the issuer of the server's certificate",
                self.list()
            ))
            .hint("add the lists of all issuers up to a trusted one, or remove `sslcrl=`"),
            Reason::ExpiredRevocationListContext { next_update, .. } => unreachable(format!(
                "{} is out of date since {}",
                self.list(),
                day(*next_update)
            ))
            .hint("fetch the list again"),
            Reason::InvalidPurpose | Reason::InvalidPurposeContext { .. } => {
                unreachable("the server's certificate is not made for servers")
                    .hint("have it issued again with the purpose `serverAuth`")
            }
            Reason::Other(_) if shown.is_some_and(|shown| shown.is_self_issued) => {
                self.nobody_vouches(shown)
            }
            reason => unreachable("the server's certificate cannot be verified")
                .because(unreachable(reason.to_string()))
                .hint("have it issued again: version 3, and a key of RSA 2048, P-256 or P-384"),
        }
    }

    fn wrong_name(&self, shown: Option<&Certificate>) -> Error {
        let bearers = shown.map_or_else(|| "somebody else".to_owned(), Certificate::bearers);
        let error = unreachable(format!(
            "the server's certificate is for {bearers}, not for {}",
            self.name
        ));
        match &self.anchors {
            Some(anchors) if anchors.trust != Trust::System => error.hint(
                "connect under a name the certificate has, or verify its issuer only with `sslmode=verify-ca`",
            ),
            _ => error.hint("connect under a name the certificate has"),
        }
    }

    fn nobody_vouches(&self, shown: Option<&Certificate>) -> Error {
        let Some(anchors) = &self.anchors else {
            return unreachable("nobody vouches for the server's certificate");
        };
        let by = match shown {
            Some(shown) if shown.is_self_issued => ", which it signed itself,".to_owned(),
            Some(shown) => format!(", issued by {},", shown.issuer),
            None => String::new(),
        };
        let error = unreachable(format!(
            "the server's certificate{by} is not vouched for by {}",
            anchors.describe()
        ));
        let is_chosen = self.wishes.trust.is_some();
        match &anchors.trust {
            Trust::System if self.is_misplaced => error
                .note("~/.postgres/root.crt is not looked at, neither by libpq nor here")
                .hint("move it to ~/.postgresql/root.crt"),
            Trust::System | Trust::File(_) if is_supabase(&self.name) => {
                error.hint("trust Supabase's own certificates: `sslrootcert=supabase`")
            }
            Trust::Supabase => error.hint(
                "download the certificate from the project's database settings and name it with `sslrootcert=`",
            ),
            _ if shown.is_some_and(|shown| shown.is_self_issued) => error
                .hint("get the certificate itself by a way you trust and name it with `sslrootcert=`"),
            Trust::File(_) if !is_chosen => {
                error.hint("add its issuer's certificate there, or name another file with `sslrootcert=`")
            }
            _ => error.hint("get its issuer's certificate by a way you trust and name it with `sslrootcert=`"),
        }
    }

    fn explain_alert(&self, alert: AlertDescription) -> Error {
        use AlertDescription as Alert;
        match alert {
            Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => {
                self.nothing_in_common()
            }
            Alert::NoApplicationProtocol => {
                unreachable("the server does not expect PostgreSQL's protocol")
                    .hint("check the host and the port of its address")
            }
            Alert::UnrecognisedName => {
                unreachable(format!("the server knows no host named {}", self.name))
                    .hint("check the host of its address, or keep it unsaid with `sslsni=0`")
            }
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::CertificateRequired => self.refused_us(),
            alert => unreachable(format!("the server broke the TLS handshake off: {alert:?}"))
                .hint("check the server's log"),
        }
    }

    /// The server does not like whom we are.
    fn refused_us(&self) -> Error {
        let Some(identity) = &self.identity else {
            return wants_certificate();
        };
        unreachable(format!(
            "the server does not accept our certificate {}",
            identity.certificate.display()
        ))
        .hint(SHOW_ANOTHER)
    }

    fn nothing_in_common(&self) -> Error {
        let ours = match (self.wishes.only_1_2, self.wishes.only_1_3) {
            (true, _) => "TLS 1.2 only",
            (_, true) => "TLS 1.3 only",
            _ => "TLS 1.2 and 1.3",
        };
        unreachable(format!(
            "the server and we have no kind of TLS in common: we speak {ours}"
        ))
        .hint(if self.wishes.only_1_2 || self.wishes.only_1_3 {
            "remove `ssl_min_protocol_version` and `ssl_max_protocol_version` from the address"
        } else {
            "have `ssl_min_protocol_version` and the ciphers of the server set to their defaults"
        })
    }

    fn explain_db(&self, db: &DbError) -> Option<Error> {
        if *db.code() != SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            return None;
        }
        let message = db.message();
        if message.contains("valid client certificate") {
            let error = match &self.identity {
                Some(_) => self.refused_us(),
                None => wants_certificate(),
            };
            return Some(error.sqlstate(db.code().code()));
        }
        let subject = self.identity.as_ref()?.subject()?;
        message.contains("certificate authentication failed").then(|| {
            unreachable(message)
                .note(format!("our certificate is for {subject}"))
                .hint("connect as the role the certificate names, or have the server map it in pg_ident.conf")
                .sqlstate(db.code().code())
        })
    }

    fn explain_io(&self, error: &io::Error, in_handshake: bool) -> Option<Error> {
        let is_cut = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionAborted
        );
        if in_handshake {
            let error = if is_cut {
                unreachable("the server closed the connection during the TLS handshake")
            } else {
                unreachable(format!("the TLS handshake failed: {}", io_reason(error)))
            };
            return Some(error.hint(if self.wishes.direct {
                "remove `sslnegotiation=direct`: PostgreSQL before 17 does not know it"
            } else {
                "check the server's log"
            }));
        }
        // In TLS 1.3 the server judges our certificate only when the handshake is over for us, and what it says
        // then may be lost with the connection.
        let identity = self.identity.as_ref()?;
        (is_cut && self.record.complete().is_some()).then(|| {
            unreachable(format!(
                "the server closed the connection when it had seen our certificate {}",
                identity.certificate.display()
            ))
            .hint(SHOW_ANOTHER)
        })
    }

    /// The lists of revoked certificates, for people.
    fn list(&self) -> String {
        let list = self
            .anchors
            .as_ref()
            .and_then(|anchors| anchors.list.as_ref());
        list.map_or_else(|| "sslcrl".to_owned(), |list| list.display().to_string())
    }
}

fn wants_certificate() -> Error {
    unreachable("the server wants a certificate of ours, and there is none").hint(
        "name one with `sslcert=` and `sslkey=`, or keep it in ~/.postgresql/postgresql.crt and postgresql.key",
    )
}

/// What the TLS library says, which an I/O error may carry as its own.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    let carried = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .and_then(|carried| carried.downcast_ref());
    error.downcast_ref().or(carried)
}

/// An error and all that caused it.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn unreachable(message: impl Into<String>) -> Error {
    Error::new(Kind::Unreachable, message)
}

fn day(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(
            || "a day unknown".to_owned(),
            |time| time.strftime("%Y-%m-%d").to_string(),
        )
}
