//! What becomes of each parameter an address can have: one table of decisions.
//!
//! Nothing is dropped without a reason: a parameter is read, or says what is done anyway, or means nothing here,
//! or is refused with what to do instead.

pub(super) mod value;

use super::endpoint::Draft;
use crate::error::{Error, Result, nearest};
use value::Wrong;

/// What becomes of a parameter.
#[derive(Clone, Copy)]
pub enum Fate {
    /// It is done as it says, whatever that is.
    Text(fn(&mut Draft, &str)),
    /// It is done as it says, if that is something.
    Read(fn(&mut Draft, &str) -> Result<(), Wrong>),
    /// With one of these values it says what is done anyway. With another it is refused: why, what to do instead.
    Fixed(&'static [&'static str], &'static str, &'static str),
    /// It is about something this program does not do, so that nothing is lost: what.
    Idle(&'static str),
    /// It is refused: why, what to do instead.
    Refused(&'static str, &'static str),
}

use Fate::{Fixed, Idle, Read, Refused, Text};

const NO_GSS: &str = "GSSAPI is not spoken";
const NO_OAUTH: &str = "OAuth is not spoken";
const NO_PREPARED: &str = "no prepared statement outlives its query";
const NO_POOL: &str = "there is one session and no pool";
const NO_DRIVER: &str = "how another driver sends values and fetches rows concerns nobody else";
const CREDENTIALS: &str = "leave it out, and use a password or a certificate";
const SEARCH_PATH: &str =
    "write `options=-csearch_path=NAME`; in a URL `options=-csearch_path%3DNAME`";
/// Where the names in files are looked for anyway. To libpq, no text is as good as no parameter.
const PUBLIC: &[&str] = &["public", ""];
const UTF8: &[&str] = &["utf8", "UTF8", "utf-8", "UTF-8", "unicode"];
const NO_VALUE: &[&str] = &["0", "false", "off", "no"];

/// Every parameter that has a name here.
#[rustfmt::skip]
const TABLE: &[(&str, Fate)] = &[
    // Where. The file of a service is read before, by whoever reads the text.
    ("host", Read(value::host)),
    ("hostaddr", Read(value::hostaddr)),
    ("port", Read(value::port)),
    ("dbname", Read(value::dbname)),
    ("service", Text(|_, _| ())),
    ("servicefile", Text(|_, _| ())),
    ("target_session_attrs", Read(value::target_session_attrs)),
    ("load_balance_hosts", Read(value::load_balance_hosts)),
    // Who.
    ("user", Text(value::user)),
    ("password", Read(value::password)),
    ("passfile", Text(value::passfile)),
    ("channel_binding", Read(value::channel_binding)),
    ("require_auth", Refused("the ways to prove oneself cannot be chosen",
        "leave it out; `channel_binding=require` accepts nothing but SCRAM over TLS")),
    ("requirepeer", Refused("the owner of a socket is not looked at",
        "leave it out, and keep the socket in a folder that only the server's user can write to")),
    ("scram_client_key", Refused("keys of SCRAM are not taken", "give the password instead")),
    ("scram_server_key", Refused("keys of SCRAM are not taken", "give the password instead")),
    ("gssencmode", Fixed(&["disable", "prefer"], NO_GSS, "leave it out, and protect the way with `sslmode=verify-full`")),
    ("krbsrvname", Refused(NO_GSS, CREDENTIALS)),
    ("gsslib", Refused(NO_GSS, CREDENTIALS)),
    ("gssdelegation", Fixed(&["0"], NO_GSS, CREDENTIALS)),
    ("oauth_issuer", Refused(NO_OAUTH, CREDENTIALS)),
    ("oauth_client_id", Refused(NO_OAUTH, CREDENTIALS)),
    ("oauth_client_secret", Refused(NO_OAUTH, CREDENTIALS)),
    ("oauth_scope", Refused(NO_OAUTH, CREDENTIALS)),
    // TLS.
    ("sslmode", Read(value::sslmode)),
    // Translated where the text is read, as by libpq, which does not know it in the file of a service either.
    ("requiressl", Refused("it has another name here", "write `sslmode=require`")),
    ("sslnegotiation", Read(value::sslnegotiation)),
    ("sslrootcert", Text(value::sslrootcert)),
    ("sslcert", Text(value::sslcert)),
    ("sslkey", Text(value::sslkey)),
    ("sslcertmode", Read(value::sslcertmode)),
    ("sslcrl", Text(value::sslcrl)),
    ("sslsni", Read(value::sslsni)),
    ("ssl_min_protocol_version", Read(value::ssl_min_protocol_version)),
    ("ssl_max_protocol_version", Read(value::ssl_max_protocol_version)),
    ("sslcompression", Fixed(&["0"], "TLS is never compressed, since that gives secrets away", "leave it out")),
    ("sslpassword", Refused("a key with a password cannot be read",
        "decrypt it with `openssl pkey -in KEY -out PLAIN`, `chmod 600 PLAIN`, and say `sslkey=PLAIN`")),
    ("sslcrldir", Refused("folders of revoked certificates are not read",
        "join its files with `cat FOLDER/* > all.crl`, and say `sslcrl=all.crl`")),
    ("sslkeylogfile", Refused("the keys of a session are never written down", "leave it out")),
    // The session.
    ("options", Read(value::options)),
    ("application_name", Text(value::application_name)),
    ("fallback_application_name", Text(value::fallback_application_name)),
    ("client_encoding", Read(value::client_encoding)),
    ("replication", Fixed(NO_VALUE, "a session for replication cannot do the work of this program", "leave it out")),
    ("min_protocol_version", Fixed(&["3.0"], "version 3.0 of the protocol is spoken", "leave it out: every server speaks it")),
    ("max_protocol_version", Fixed(&["3.0", "3.2", "latest"], "version 3.0 of the protocol is spoken", "leave it out")),
    // Limits of time.
    ("connect_timeout", Read(value::connect_timeout)),
    ("keepalives", Read(value::keepalives)),
    ("keepalives_idle", Read(value::keepalives_idle)),
    ("keepalives_interval", Read(value::keepalives_interval)),
    ("keepalives_count", Read(value::keepalives_count)),
    ("tcp_user_timeout", Read(value::tcp_user_timeout)),
    // Gone from libpq with version 14.
    ("authtype", Refused("it means nothing to PostgreSQL any more", "leave it out")),
    ("tty", Refused("it means nothing to PostgreSQL any more", "leave it out")),
    // Other tools.
    ("pgbouncer", Idle(NO_PREPARED)),
    ("prepare", Idle(NO_PREPARED)),
    ("prepared_statements", Idle(NO_PREPARED)),
    ("prepareThreshold", Idle(NO_PREPARED)),
    ("statement_cache_size", Idle(NO_PREPARED)),
    ("default_query_exec_mode", Idle(NO_PREPARED)),
    ("prefer_simple_protocol", Idle(NO_PREPARED)),
    ("statement_cache_mode", Idle(NO_PREPARED)),
    ("statement_cache_capacity", Idle(NO_PREPARED)),
    ("description_cache_capacity", Idle(NO_PREPARED)),
    ("binary_parameters", Idle(NO_PREPARED)),
    ("prepared_statement_cache_size", Idle(NO_PREPARED)),
    ("prepared_statement_name_func", Idle(NO_PREPARED)),
    ("max_cached_statement_lifetime", Idle(NO_PREPARED)),
    ("max_cacheable_statement_size", Idle(NO_PREPARED)),
    ("statement-cache-capacity", Idle(NO_PREPARED)),
    ("preferQueryMode", Idle(NO_PREPARED)),
    ("preparedStatementCacheQueries", Idle(NO_PREPARED)),
    ("preparedStatementCacheSizeMiB", Idle(NO_PREPARED)),
    ("statement_limit", Idle(NO_PREPARED)),
    ("connection_limit", Idle(NO_POOL)),
    ("pool_timeout", Idle(NO_POOL)),
    ("pool_mode", Idle(NO_POOL)),
    ("pool_max_conns", Idle(NO_POOL)),
    ("pool_min_conns", Idle(NO_POOL)),
    ("pool_min_idle_conns", Idle(NO_POOL)),
    ("pool_max_conn_lifetime", Idle(NO_POOL)),
    ("pool_max_conn_lifetime_jitter", Idle(NO_POOL)),
    ("pool_max_conn_idle_time", Idle(NO_POOL)),
    ("pool_health_check_period", Idle(NO_POOL)),
    ("max_connection_lifetime", Idle(NO_POOL)),
    ("max_idle_connection_lifetime", Idle(NO_POOL)),
    ("single_use_connections", Idle(NO_POOL)),
    ("pool", Idle(NO_POOL)),
    ("pool_size", Idle(NO_POOL)),
    ("max_overflow", Idle(NO_POOL)),
    ("pool_recycle", Idle(NO_POOL)),
    ("pool_pre_ping", Idle(NO_POOL)),
    ("conn_max_age", Idle(NO_POOL)),
    ("conn_health_checks", Idle(NO_POOL)),
    ("max", Idle(NO_POOL)),
    ("idle_timeout", Idle(NO_POOL)),
    ("max_lifetime", Idle(NO_POOL)),
    ("binaryTransfer", Idle(NO_DRIVER)),
    ("reWriteBatchedInserts", Idle(NO_DRIVER)),
    ("defaultRowFetchSize", Idle(NO_DRIVER)),
    ("adaptiveFetch", Idle(NO_DRIVER)),
    ("stringtype", Idle(NO_DRIVER)),
    ("fetch_types", Idle(NO_DRIVER)),
    ("databaseMetadataCacheFields", Idle(NO_DRIVER)),
    ("disable_server_side_cursors", Idle(NO_DRIVER)),
    ("assumeMinServerVersion", Idle(NO_DRIVER)),
    ("logUnclosedConnections", Idle(NO_DRIVER)),
    ("loggerLevel", Idle(NO_DRIVER)),
    ("async_fallback", Idle(NO_DRIVER)),
    ("advisory_locks", Idle("the locks of Rails' own migrations are not taken")),
    ("supa", Idle("Supabase names its own pooler with it, to itself")),
    ("workaround", Idle("Supabase names its own pooler with it, to itself")),
    ("uselibpqcompat", Fixed(&["true"], "sslmode means what it means to psql", "leave it out, and say `sslmode=verify-full`")),
    ("schema", Fixed(PUBLIC, "the schema is a setting of the session", SEARCH_PATH)),
    ("currentSchema", Fixed(PUBLIC, "the schema is a setting of the session", SEARCH_PATH)),
    ("search_path", Fixed(PUBLIC, "the schema is a setting of the session", SEARCH_PATH)),
    ("statement_timeout", Refused("it is a setting of the session", "give `--statement-timeout`")),
    ("lock_timeout", Refused("it is a setting of the session", "give `--lock-timeout`")),
    ("command_timeout", Refused("answers are waited for as long as they take", "leave it out, and give `--statement-timeout`")),
    ("socket_timeout", Refused("answers are waited for as long as they take", "leave it out, and give `--statement-timeout`")),
    ("socketTimeout", Refused("answers are waited for as long as they take", "leave it out, and give `--statement-timeout`")),
    ("connectTimeout", Refused("it has another name here", "write `connect_timeout`")),
    ("loginTimeout", Refused("it has another name here", "write `connect_timeout`")),
    ("ApplicationName", Refused("it has another name here", "write `application_name`")),
    ("targetServerType", Refused("it has another name here", "write `target_session_attrs`")),
    ("loadBalanceHosts", Refused("it has another name here", "write `load_balance_hosts=random`")),
    ("ssl", Refused("it does not say whether the server is verified", "write `sslmode=verify-full`, or what else is meant")),
    // Prisma's; what accepts any certificate forbids nothing.
    ("sslaccept", Fixed(&["accept_invalid_certs", ""], "it does not say whether TLS is required",
        "write `sslmode=verify-full` for strict, `sslmode=require` for the rest")),
    ("encoding", Fixed(UTF8, "nothing but UTF-8 is spoken", "leave it out: the server converts, whatever the database's encoding is")),
    ("characterEncoding", Fixed(UTF8, "nothing but UTF-8 is spoken", "leave it out: the server converts, whatever the database's encoding is")),
    ("tcpKeepAlive", Fixed(&["true"], "it has another name here", "write `keepalives=0`")),
    ("readOnly", Fixed(NO_VALUE, "it is a setting of the session", "write `options=-cdefault_transaction_read_only=on`; in a URL `options=-cdefault_transaction_read_only%3Don`")),
    ("sslidentity", Refused("bundles of PKCS #12 are not read",
        "take it apart with `openssl pkcs12`, and name the parts with `sslcert` and `sslkey`")),
];

/// Parameters whose values are nobody's business.
const SECRET: &[&str] = &[
    "password",
    "sslpassword",
    "oauth_client_secret",
    "scram_client_key",
    "scram_server_key",
];

/// The names there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// Whether there is a parameter of this name, be it to be refused.
pub fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Whether the value of this parameter may be shown to nobody.
pub fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// Puts what a parameter says into the draft of an endpoint. No error quotes the value.
pub fn apply(draft: &mut Draft, name: &str, text: &str) -> Result<()> {
    let Some((_, fate)) = TABLE.iter().find(|(known, _)| *known == name) else {
        let error = Error::configuration("there is a parameter nobody knows");
        return Err(match nearest(name, names()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("leave it out"),
        }
        .into());
    };
    match *fate {
        Text(take) => {
            take(draft, text);
            Ok(())
        }
        Read(read) => read(draft, text).map_err(|wrong| wrong.about(name).into()),
        Idle(_) => Ok(()),
        Fixed(harmless, _, _) if harmless.contains(&text) => Ok(()),
        // To libpq, no text is as good as no parameter.
        Refused(..) if text.is_empty() => Ok(()),
        Fixed(_, why, instead) | Refused(why, instead) => {
            let error = Error::configuration(format!("{name} is refused: {why}"));
            Err(error.hint(instead).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::explain;
    use crate::pg::Endpoint;

    /// Of libpq 18, as `PQconndefaults` lists them.
    const LIBPQ: &str = "service servicefile user password passfile channel_binding connect_timeout dbname host \
        hostaddr port client_encoding options application_name fallback_application_name keepalives \
        keepalives_idle keepalives_interval keepalives_count tcp_user_timeout sslmode sslnegotiation \
        sslcompression sslcert sslkey sslcertmode sslpassword sslrootcert sslcrl sslcrldir sslsni requirepeer \
        require_auth min_protocol_version max_protocol_version ssl_min_protocol_version \
        ssl_max_protocol_version gssencmode krbsrvname gsslib gssdelegation replication target_session_attrs \
        load_balance_hosts scram_client_key scram_server_key oauth_issuer oauth_client_id oauth_client_secret \
        oauth_scope sslkeylogfile";

    #[test]
    fn every_parameter_of_libpq_is_decided_once() {
        for name in LIBPQ.split_whitespace() {
            assert_eq!(names().filter(|known| *known == name).count(), 1, "{name}");
        }
        let mut all: Vec<_> = names().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), TABLE.len());
    }

    fn refusal(pair: &str) -> Option<String> {
        let error = Endpoint::parse(&format!("host=db.example.com {pair}")).err()?;
        let told = explain(&error);
        Some(format!(
            "{}; {}",
            told.message,
            told.hint().expect("a hint")
        ))
    }

    #[test]
    fn what_says_what_is_done_anyway_is_accepted() {
        for pair in [
            "gssencmode=prefer",
            "replication=off",
            "sslcompression=0",
            "min_protocol_version=3.0 max_protocol_version=latest",
            "client_encoding=UTF-8",
            "client_encoding=auto",
            "pgbouncer=true connection_limit=1 supa=base-pooler.x",
            "default_query_exec_mode=simple_protocol statement_cache_capacity=0 pool_max_conns=8 pool_max_conn_idle_time=15m",
            "prefer_simple_protocol=true statement_cache_mode=describe binary_parameters=yes",
            "prepared_statement_cache_size=0 prepared_statement_name_func=f statement-cache-capacity=0",
            "schema=public currentSchema=public search_path=public sslaccept=accept_invalid_certs schema=''",
            "pool=5 encoding=unicode stringtype=unspecified reWriteBatchedInserts=true tcpKeepAlive=true readOnly=false",
            "requirepeer='' service='' sslpassword=''",
            "ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=tlsv1.3",
            "connect_timeout=' -1 ' keepalives=0 keepalives_idle=0",
            "sslmode=require channel_binding=require sslnegotiation=direct",
        ] {
            assert_eq!(refusal(pair), None, "{pair}");
        }
    }

    #[test]
    fn what_would_be_lost_is_refused_with_what_to_do_instead() {
        let mut told = Vec::new();
        for pair in [
            "gssencmode=require",
            "require_auth=scram-sha-256",
            "sslpassword=x",
            "currentSchema=x",
            "schema=app",
            "sslaccept=strict",
            "encoding=latin1",
            "readOnly=true",
            "replication=true",
            "sslmode=no-verify",
            "sslmode=verify_full",
            "sslmode=x",
            "port=99999",
            "port=1,2",
            "connect_timeout=10s",
            "client_encoding=latin1",
            "hostaddr=x",
            "host=/tmp hostaddr=::1",
            "host=a,,b",
            "host=@x",
            "host=a@b",
            "dbname=postgresql://a:b@c/d",
            "password=[YOUR-PASSWORD]",
            "ssl_max_protocol_version=TLSv1.1",
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "sslrootcert=system sslmode=require",
            "sslnegotiation=direct sslmode=prefer",
            "sslnegotiation=direct host=localhost",
            "channel_binding=require sslmode=disable",
            "sslcertmode=require host=/tmp",
        ] {
            let refusal = refusal(pair).unwrap_or_else(|| panic!("{pair} is accepted"));
            told.push(format!("{pair}: {refusal}"));
        }
        insta::assert_snapshot!(told.join("\n"), @"
        gssencmode=require: gssencmode is refused: GSSAPI is not spoken; leave it out, and protect the way with `sslmode=verify-full`
        require_auth=scram-sha-256: require_auth is refused: the ways to prove oneself cannot be chosen; leave it out; `channel_binding=require` accepts nothing but SCRAM over TLS
        sslpassword=x: sslpassword is refused: a key with a password cannot be read; decrypt it with `openssl pkey -in KEY -out PLAIN`, `chmod 600 PLAIN`, and say `sslkey=PLAIN`
        currentSchema=x: currentSchema is refused: the schema is a setting of the session; write `options=-csearch_path=NAME`; in a URL `options=-csearch_path%3DNAME`
        schema=app: schema is refused: the schema is a setting of the session; write `options=-csearch_path=NAME`; in a URL `options=-csearch_path%3DNAME`
        sslaccept=strict: sslaccept is refused: it does not say whether TLS is required; write `sslmode=verify-full` for strict, `sslmode=require` for the rest
        encoding=latin1: encoding is refused: nothing but UTF-8 is spoken; leave it out: the server converts, whatever the database's encoding is
        readOnly=true: readOnly is refused: it is a setting of the session; write `options=-cdefault_transaction_read_only=on`; in a URL `options=-cdefault_transaction_read_only%3Don`
        replication=true: replication is refused: a session for replication cannot do the work of this program; leave it out
        sslmode=no-verify: sslmode has a value only Node.js knows; write `sslmode=require`, which does not verify the server either, or better `sslmode=verify-full`
        sslmode=verify_full: the value of sslmode is unknown; did you mean `sslmode=verify-full`?
        sslmode=x: the value of sslmode is unknown; give it one of disable, allow, prefer, require, verify-ca, verify-full
        port=99999: port is not a number from 1 to 65535; write it as in `host:5432`; a colon in a user or a password is %3A, a slash %2F
        port=1,2: 2 ports and 1 host do not fit; give one port for all hosts, or one for each
        connect_timeout=10s: the value of connect_timeout is not a whole number; write it in seconds, such as `connect_timeout=10`
        client_encoding=latin1: client_encoding is not UTF-8, and nothing else is spoken; leave it out: the server converts, whatever the database's encoding is
        hostaddr=x: hostaddr is not an IP address; write `hostaddr=192.0.2.1`, or name the server with `host`
        host=/tmp hostaddr=::1: hostaddr is given for a socket, which has none; leave one of them out
        host=a,,b: one of the hosts of the connection string is empty; name it, or take away the comma
        host=@x: host is an abstract socket, which is not spoken to; name the folder of the server's socket, or its host; an @ in a password is %40
        host=a@b: host is not the name of a server; escape what stands in a user or a password (@ is %40, / is %2F); the folder of a socket begins with /
        dbname=postgresql://a:b@c/d: dbname holds a whole connection string; give that connection string alone
        password=[YOUR-PASSWORD]: password is a placeholder; leave the password out of the address, and set PGPASSWORD or what `password_env` names
        ssl_max_protocol_version=TLSv1.1: ssl_max_protocol_version allows nothing but versions that are broken; leave it out: TLS 1.2 and 1.3 are spoken
        ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2: ssl_min_protocol_version is above ssl_max_protocol_version; leave one of them out
        sslrootcert=system sslmode=require: sslrootcert=system trusts every public server, and sslmode does not look at its name; write `sslmode=verify-full`
        sslnegotiation=direct sslmode=prefer: sslnegotiation=direct asks for TLS, and sslmode allows plain text; write `sslmode=verify-full`, or `require` if the server cannot be verified
        sslnegotiation=direct host=localhost: sslnegotiation=direct asks for TLS, and sslmode allows plain text; write `sslmode=verify-full`, or `require` if the server cannot be verified
        channel_binding=require sslmode=disable: channel_binding=require asks for TLS, and there is none with a socket or sslmode=disable; leave one of them out
        sslcertmode=require host=/tmp: sslcertmode=require asks for TLS, and there is none with a socket or sslmode=disable; leave one of them out
        ");
    }

    #[test]
    fn of_a_parameter_given_twice_the_last_counts() {
        let endpoint = Endpoint::parse("host=a sslmode=nonsense host=b sslmode=disable");
        assert_eq!(endpoint.expect("is an address").describe(), "b/postgres");
    }

    #[test]
    fn the_session_has_the_first_name_somebody_gave_it() {
        for (pairs, name) in [
            ("", None),
            ("fallback_application_name=b", Some("b")),
            ("fallback_application_name=b application_name=a", Some("a")),
            ("fallback_application_name=b application_name=''", Some("")),
        ] {
            let endpoint = Endpoint::parse(&format!("host=x {pairs}")).expect("is an address");
            assert_eq!(endpoint.application_name(), name, "{pairs}");
        }
    }
}
