//! TLS with real servers: who is let pass, who is not, and what is said then.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use insta::assert_snapshot;
use tokio::net::TcpStream;
use tokio_postgres::config::ChannelBinding;
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use toysoldiers::error::explain;
use toysoldiers::pg::endpoint::{CertificateMode, Host, Mode, Place, Tls as Wishes, Trust};
use toysoldiers::pg::tls::{Tls, VARIABLES};

use crate::support::Folder;
use crate::support::server::bin;
use crate::support::tls::{Authority, HOST, TlsServer, params, self_signed};
use crate::support::version::major;

/// Whoever issues what is right.
static TOYS: LazyLock<Authority> = LazyLock::new(|| Authority::new("Toys CA"));

/// The server most tests are about.
static SERVER: LazyLock<TlsServer> = LazyLock::new(|| {
    let server = TlsServer::start(Some(&TOYS.issue(&params(HOST, &[HOST]))), &TOYS, &[]);
    server.sql("create role certified login; create role bound login password 'open sesame'");
    server
});

/// A way to a server: an address come down to what counts.
struct Way {
    wishes: Wishes,
    mode: Mode,
    place: Place,
    user: &'static str,
    binding: ChannelBinding,
    home: Folder,
}

impl Way {
    /// Verifies the server by the right authority's certificate.
    fn to(server: &TlsServer) -> Self {
        let way = Self {
            wishes: Wishes::default(),
            mode: Mode::VerifyFull,
            place: server.place(HOST),
            user: "postgres",
            binding: ChannelBinding::Prefer,
            home: Folder::new(),
        };
        way.trusting(&TOYS.certificate)
    }

    fn named(mut self, host: &str) -> Self {
        self.place.host = Host::Name(host.to_owned());
        self
    }

    fn trusting(mut self, roots: &str) -> Self {
        let path = self.home.write("trusted.crt", roots);
        self.wishes.trust = Some(Trust::File(path));
        self
    }

    /// The address says nothing about whom to trust.
    fn trusting_by_default(mut self) -> Self {
        self.wishes.trust = None;
        self
    }

    fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    fn user(mut self, user: &'static str) -> Self {
        self.user = user;
        self
    }

    fn wish(mut self, wish: impl FnOnce(&mut Wishes)) -> Self {
        wish(&mut self.wishes);
        self
    }

    /// A file in the home folder.
    fn file(self, name: &str, text: &str) -> Self {
        private(&self.home, name, text);
        self
    }

    fn prepare(&self) -> Tls {
        Tls::new(&self.wishes, self.mode, &self.place, Some(self.home.path()))
            .unwrap_or_else(|error| panic!("{:?}", explain(&error)))
            .expect("TLS is to be spoken")
    }

    /// Goes there and tells how it was.
    fn go(&self) -> String {
        let tls = self.prepare();
        block_on(async {
            match self.connect(&tls).await {
                Ok(client) => self.tell(&tls, &client).await,
                Err(error) => {
                    let error = match tls.explain(&error) {
                        Some(explained) => explained.into(),
                        None => anyhow::Error::new(error).context("not about TLS"),
                    };
                    self.lament(&error)
                }
            }
        })
    }

    async fn stream(&self) -> TcpStream {
        let address = (self.place.address.unwrap(), self.place.port);
        TcpStream::connect(address).await.unwrap()
    }

    async fn connect(&self, tls: &Tls) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config
            .user(self.user)
            .dbname("postgres")
            .password("open sesame")
            .ssl_mode(tls.ssl_mode())
            .ssl_negotiation(tls.negotiation())
            .channel_binding(self.binding);
        let (client, connection) = config
            .connect_raw(self.stream().await, tls.connector())
            .await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// What both sides saw.
    async fn tell(&self, tls: &Tls, client: &Client) -> String {
        let mut told = String::new();
        match tls.seen() {
            None => told.push_str("plain text\n"),
            Some(seen) => {
                let trusted = seen.trusted.unwrap_or_else(|| "nobody".to_owned());
                let mode = seen.mode;
                writeln!(told, "{}, {mode} by {trusted}", seen.version).unwrap();
                let (subject, issuer) = (seen.subject.unwrap(), seen.issuer.unwrap());
                let until = seen.until.unwrap();
                writeln!(told, "{subject} by {issuer} until {until}").unwrap();
            }
        }
        let question =
            "select ssl, version, client_dn from pg_stat_ssl where pid = pg_backend_pid()";
        for message in client.simple_query(question).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = message {
                let cell = |index| row.get(index).unwrap_or("-").to_owned();
                writeln!(told, "server: {} {} {}", cell(0), cell(1), cell(2)).unwrap();
            }
        }
        self.redact(&told)
    }

    fn lament(&self, error: &anyhow::Error) -> String {
        self.redact(&lament(error))
    }

    fn redact(&self, text: &str) -> String {
        text.replace(&self.home.path().display().to_string(), "HOME")
    }
}

/// A failure as it is shown.
pub fn lament(error: &anyhow::Error) -> String {
    let explanation = explain(error);
    let mut told = format!(
        "error {}: {}\n",
        explanation.kind.code(),
        explanation.message
    );
    let hints: Vec<String> = explanation.hints.iter().map(ToString::to_string).collect();
    assert!(!hints.is_empty(), "there is a hint");
    let lines = [
        ("caused by", explanation.causes),
        (
            "note",
            explanation.notes.iter().map(ToString::to_string).collect(),
        ),
        ("hint", hints),
    ];
    for (name, texts) in lines {
        for text in texts {
            writeln!(told, "  {name}: {text}").unwrap();
        }
    }
    told
}

/// Writes a file nobody else may read.
pub fn private(folder: &Folder, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.write(name, text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_server_with_the_right_name_is_verified() {
    assert_snapshot!(Way::to(&SERVER).go(), @"
    TLSv1.3, verify-full by HOME/trusted.crt
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    ");
}

#[test]
fn a_server_with_another_name_is_not_spoken_to() {
    let way = || Way::to(&SERVER).named("prod.toysoldiers.test");
    assert_snapshot!(way().go(), @"
    error 5: the server's certificate is for db.toysoldiers.test, not for prod.toysoldiers.test
      hint: connect under a name the certificate has, or verify its issuer only with `sslmode=verify-ca`
    ");
    assert_snapshot!(way().named("127.0.0.1").go(), @"
    error 5: the server's certificate is for db.toysoldiers.test, not for 127.0.0.1
      hint: connect under a name the certificate has, or verify its issuer only with `sslmode=verify-ca`
    ");
    assert_snapshot!(way().mode(Mode::VerifyCa).go(), @"
    TLSv1.3, verify-ca by HOME/trusted.crt
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    ");
    assert_snapshot!(way().mode(Mode::Require).go(), @"
    TLSv1.3, require by nobody
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    ");
}

#[test]
fn a_server_nobody_vouches_for_is_not_spoken_to() {
    let other = Authority::new("Other CA");
    let way = || Way::to(&SERVER).trusting(&other.certificate);
    assert_snapshot!(way().go(), @"
    error 5: the server's certificate, issued by Toys CA, is not vouched for by HOME/trusted.crt
      hint: get its issuer's certificate by a way you trust and name it with `sslrootcert=`
    ");
    assert_snapshot!(way().mode(Mode::VerifyCa).go(), @"
    error 5: the server's certificate, issued by Toys CA, is not vouched for by HOME/trusted.crt
      hint: get its issuer's certificate by a way you trust and name it with `sslrootcert=`
    ");
    // Another authority of the same name is another authority.
    let twin = Authority::new("Toys CA");
    assert!(
        way()
            .trusting(&twin.certificate)
            .go()
            .starts_with("error 5: ")
    );
    // Without sslrootcert=: those of the system, of Supabase, and the person's own.
    let way = || Way::to(&SERVER).trusting_by_default();
    assert_snapshot!(way().go(), @"
    error 5: the server's certificate, issued by Toys CA, is not vouched for by the system's certificates
      hint: get its issuer's certificate by a way you trust and name it with `sslrootcert=`
    ");
    assert_snapshot!(way().named("db.abcdefgh.supabase.co").go(), @"
    error 5: the server's certificate, issued by Toys CA, is not vouched for by Supabase's certificates
      hint: download the certificate from the project's database settings and name it with `sslrootcert=`
    ");
    let by_system = way()
        .named("db.abcdefgh.supabase.co")
        .wish(|wishes| wishes.trust = Some(Trust::System));
    assert_snapshot!(
        by_system.go(),
        @"
    error 5: the server's certificate, issued by Toys CA, is not vouched for by the system's certificates
      hint: trust Supabase's own certificates: `sslrootcert=supabase`
    "
    );
    assert_snapshot!(way().file(".postgresql/root.crt", &other.certificate).go(), @"
    error 5: the server's certificate, issued by Toys CA, is not vouched for by HOME/.postgresql/root.crt
      hint: add its issuer's certificate there, or name another file with `sslrootcert=`
    ");
    assert_snapshot!(way().file(".postgres/root.crt", &TOYS.certificate).go(), @"
    error 5: the server's certificate, issued by Toys CA, is not vouched for by the system's certificates
      note: ~/.postgres/root.crt is not looked at, neither by libpq nor here
      hint: move it to ~/.postgresql/root.crt
    ");
    // Whoever does not ask is not told.
    assert_snapshot!(way().mode(Mode::Require).go(), @"
    TLSv1.3, require by nobody
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    ");
    assert_snapshot!(way().mode(Mode::Prefer).go(), @"
    TLSv1.3, prefer by nobody
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    ");
}

#[test]
fn the_persons_own_roots_count_when_the_address_names_none() {
    let way = || {
        let way = Way::to(&SERVER).trusting_by_default();
        way.file(".postgresql/root.crt", &TOYS.certificate)
    };
    assert_snapshot!(way().go(), @"
    TLSv1.3, verify-full by HOME/.postgresql/root.crt
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    ");
    // As libpq has it.
    assert_snapshot!(
        way()
            .mode(Mode::Require)
            .named("prod.toysoldiers.test")
            .go(),
        @"
    TLSv1.3, verify-ca by HOME/.postgresql/root.crt
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    "
    );
}

#[test]
fn certificates_have_their_time() {
    let mut expired = params(HOST, &[HOST]);
    expired.not_after = rcgen::date_time_ymd(2024, 1, 1);
    let server = TlsServer::start(Some(&TOYS.issue(&expired)), &TOYS, &[]);
    assert_snapshot!(Way::to(&server).go(), @"
    error 5: the server's certificate expired on 2024-01-01
      hint: have the server's certificate renewed
    ");
    assert!(
        Way::to(&server)
            .mode(Mode::Require)
            .go()
            .starts_with("TLSv1.3")
    );
    let mut early = params(HOST, &[HOST]);
    early.not_before = rcgen::date_time_ymd(2119, 1, 1);
    let server = TlsServer::start(Some(&TOYS.issue(&early)), &TOYS, &[]);
    let told = Way::to(&server).go();
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    assert_snapshot!(told.replace(&today, "TODAY"), @"
    error 5: the server's certificate is valid from 2119-01-01 on only
      note: this machine's clock says TODAY
      hint: set the clock right, or have the server's certificate replaced
    ");
}

#[test]
fn a_server_may_vouch_for_itself_if_it_is_trusted() {
    let shown = self_signed(HOST);
    let server = TlsServer::start(Some(&shown), &TOYS, &[]);
    assert_snapshot!(Way::to(&server).go(), @"
    error 5: the server's certificate, which it signed itself, is not vouched for by HOME/trusted.crt
      hint: get the certificate itself by a way you trust and name it with `sslrootcert=`
    ");
    let way = || Way::to(&server).trusting(&shown.certificate);
    // Its name is in the old place only.
    assert_snapshot!(way().go(), @"
    TLSv1.3, verify-full by HOME/trusted.crt
    db.toysoldiers.test by db.toysoldiers.test until 2120-01-01T00:00:00Z
    server: t TLSv1.3 -
    ");
    assert_snapshot!(way().named("prod.toysoldiers.test").go(), @"
    error 5: the server's certificate is for db.toysoldiers.test, not for prod.toysoldiers.test
      hint: connect under a name the certificate has, or verify its issuer only with `sslmode=verify-ca`
    ");
    assert!(
        way()
            .named("prod.toysoldiers.test")
            .mode(Mode::VerifyCa)
            .go()
            .starts_with("TLSv1.3")
    );
}

#[test]
fn revoked_certificates_are_refused() {
    let way = |list: &str| {
        let way = Way::to(&SERVER);
        let path = way.home.write("lists.crl", list);
        way.wish(|wishes| wishes.revoked = Some(path))
    };
    assert_snapshot!(way(&TOYS.revoke(&[7], 2120)).go(), @"
    error 5: the server's certificate is revoked in HOME/lists.crl
      hint: have the server's certificate replaced
    ");
    assert!(way(&TOYS.revoke(&[8], 2120)).go().starts_with("TLSv1.3"));
    assert_snapshot!(way(&TOYS.revoke(&[8], 2026)).go(), @"
    error 5: HOME/lists.crl is out of date since 2026-01-01
      hint: fetch the list again
    ");
    assert_snapshot!(way(&Authority::new("Other CA").revoke(&[7], 2120)).go(), @"
    error 5: HOME/lists.crl has no list of the issuer of the server's certificate
      hint: add the lists of all issuers up to a trusted one, or remove `sslcrl=`
    ");
    let own = Way::to(&SERVER).file(".postgresql/root.crl", &TOYS.revoke(&[7], 2120));
    assert!(own.go().contains("is revoked in HOME/.postgresql/root.crl"));
}

#[test]
fn passwords_are_tied_to_the_connection() {
    let mut way = Way::to(&SERVER).user("bound");
    way.binding = ChannelBinding::Require;
    assert!(way.go().starts_with("TLSv1.3"));
    assert_snapshot!(way.user("postgres").go(), @"
    error 5: the server does not tie the password to the TLS connection
      hint: have the password stored as `scram-sha-256` there, or write `channel_binding=prefer`
    ");
}

#[test]
fn a_server_may_want_to_know_who_we_are() {
    let way = || Way::to(&SERVER).user("certified");
    assert_snapshot!(way().go(), @"
    error 5: the server wants a certificate of ours, and there is none
      hint: name one with `sslcert=` and `sslkey=`, or keep it in ~/.postgresql/postgresql.crt and postgresql.key
    ");
    let issued = TOYS.issue(&params("certified", &[]));
    let showing = |way: Way, certificate: &str, key: &str| {
        way.file(".postgresql/postgresql.crt", certificate)
            .file(".postgresql/postgresql.key", key)
    };
    assert_snapshot!(showing(way(), &issued.certificate, &issued.key).go(), @"
    TLSv1.3, verify-full by HOME/trusted.crt
    db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
    server: t TLSv1.3 /CN=certified
    ");
    let hidden = showing(way(), &issued.certificate, &issued.key)
        .wish(|wishes| wishes.certificate_mode = CertificateMode::Disable);
    assert!(hidden.go().starts_with("error 5: "));
    // Named in the address, and for somebody else.
    let issued = TOYS.issue(&params("nina", &[]));
    let named = way();
    let certificate = private(&named.home, "nina.crt", &issued.certificate);
    let key = private(&named.home, "nina.key", &issued.key);
    let named = named.wish(|wishes| {
        wishes.certificate = Some(certificate);
        wishes.key = Some(key);
    });
    assert_snapshot!(named.go(), @r#"
    error 5: certificate authentication failed for user "certified"
      note: our certificate is for nina
      hint: connect as the role the certificate names, or have the server map it in pg_ident.conf
    "#);
    // By somebody the server does not know.
    let issued = Authority::new("Other CA").issue(&params("certified", &[]));
    let stranger = showing(way(), &issued.certificate, &issued.key);
    // In TLS 1.3 its answer may be lost with the connection.
    let told = stranger.go();
    assert!(
        told.contains("our certificate HOME/.postgresql/postgresql.crt"),
        "{told}"
    );
    assert!(
        told.contains("hint: show one whose issuer the server trusts"),
        "{told}"
    );
    assert_snapshot!(stranger.wish(|wishes| wishes.only_1_2 = true).go(), @"
    error 5: the server does not accept our certificate HOME/.postgresql/postgresql.crt
      hint: show one whose issuer the server trusts, with `sslcert=` and `sslkey=`, or none with `sslcertmode=disable`
    ");
}

#[test]
fn versions_can_be_narrowed() {
    let way = || Way::to(&SERVER);
    assert!(
        way()
            .wish(|wishes| wishes.only_1_2 = true)
            .go()
            .starts_with("TLSv1.2, verify-full")
    );
    assert!(
        way()
            .wish(|wishes| wishes.only_1_3 = true)
            .go()
            .starts_with("TLSv1.3, verify-full")
    );
    assert!(
        way()
            .wish(|wishes| wishes.sni = false)
            .go()
            .starts_with("TLSv1.3, verify-full")
    );
    let shown = TOYS.issue(&params(HOST, &[HOST, "127.0.0.1"]));
    let server = TlsServer::start(Some(&shown), &TOYS, &["ssl_max_protocol_version=TLSv1.2"]);
    assert!(Way::to(&server).go().starts_with("TLSv1.2, verify-full"));
    // It has a certificate for its address as well.
    let by_address = Way::to(&server).named("127.0.0.1").go();
    assert!(
        by_address.starts_with("TLSv1.2, verify-full"),
        "{by_address}"
    );
    let by_another = Way::to(&server).named("127.0.0.2").go();
    assert!(
        by_another.contains("is for db.toysoldiers.test and 127.0.0.1, not for 127.0.0.2"),
        "{by_another}"
    );
    assert_snapshot!(Way::to(&server).wish(|wishes| wishes.only_1_3 = true).go(), @"
    error 5: the server and we have no kind of TLS in common: we speak TLS 1.3 only
      hint: remove `ssl_min_protocol_version` and `ssl_max_protocol_version` from the address
    ");
}

#[test]
fn a_server_without_tls() {
    let server = TlsServer::start(None, &TOYS, &[]);
    assert_snapshot!(Way::to(&server).go(), @"
    error 5: the server does not offer TLS
      hint: have `ssl` turned on there; only through a tunnel that ends on this machine write `sslmode=disable`
    ");
    assert!(
        Way::to(&server)
            .mode(Mode::Require)
            .go()
            .starts_with("error 5: ")
    );
    assert_snapshot!(Way::to(&server).mode(Mode::Prefer).go(), @"
    plain text
    server: f - -
    ");
}

#[test]
fn a_statement_is_cancelled_over_tls() {
    let way = Way::to(&SERVER);
    let tls = way.prepare();
    let refused = block_on(async {
        let client = way.connect(&tls).await.unwrap();
        let token = client.cancel_token();
        let sleep = async { client.batch_execute("select pg_sleep(600) as nap").await };
        let cancel = async {
            let watcher = way.connect(&tls).await.unwrap();
            let question = "select 1 from pg_stat_activity where wait_event = 'PgSleep' and query like '%as nap'";
            while watcher.query_typed(question, &[]).await.unwrap().is_empty() {}
            let stream = way.stream().await;
            token
                .cancel_query_raw(stream, tls.connector())
                .await
                .unwrap();
        };
        let (slept, ()) = tokio::join!(sleep, cancel);
        slept.unwrap_err()
    });
    assert_eq!(refused.code().unwrap().code(), "57014");
}

/// Runs psql as this program runs it: with what it takes, and none of what a person has in the environment.
fn psql(way: &Way) -> String {
    let material = way.prepare().material();
    let mut command = Command::new(bin().join("psql"));
    command.args([
        "-X",
        "-A",
        "-t",
        "-c",
        "select ssl, version, client_dn from pg_stat_ssl where pid = pg_backend_pid()",
    ]);
    command
        .env("PGSSLMODE", "disable")
        .env("PGSSLROOTCERT", "/nonexistent");
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
        .env("HOME", way.home.path())
        .env("PGHOST", way.place.host.to_string())
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGPORT", way.place.port.to_string())
        .env("PGUSER", way.user)
        .env("PGPASSWORD", "open sesame")
        .env("PGDATABASE", "postgres")
        .env("LC_ALL", "C")
        .envs(material.variables);
    if let Some(roots) = material.roots {
        command.env("PGSSLROOTCERT", way.home.write("roots.crt", roots));
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn psql_is_protected_alike() {
    let issued = TOYS.issue(&params("certified", &[]));
    let way = || {
        let way = Way::to(&SERVER).user("certified");
        way.file(".postgresql/postgresql.crt", &issued.certificate)
            .file(".postgresql/postgresql.key", &issued.key)
    };
    assert_eq!(psql(&way()), "t|TLSv1.3|/CN=certified\n");
    assert_eq!(
        psql(&way().wish(|wishes| wishes.only_1_2 = true)),
        "t|TLSv1.2|/CN=certified\n"
    );
    let bound = || Way::to(&SERVER).user("bound");
    let binding = toysoldiers::pg::endpoint::ChannelBinding::Require;
    assert_eq!(
        psql(&bound().wish(|wishes| wishes.channel_binding = binding)),
        "t|TLSv1.3|\n"
    );
    assert_eq!(
        psql(&bound().mode(Mode::Require).trusting_by_default()),
        "t|TLSv1.3|\n"
    );
    let list = bound().file(".postgresql/root.crl", &TOYS.revoke(&[8], 2120));
    assert_eq!(psql(&list), "t|TLSv1.3|\n");
    // And refuses whom we refuse.
    for (way, reason) in [
        (
            bound().named("prod.toysoldiers.test"),
            "does not match host name",
        ),
        (bound().trusting_by_default(), "certificate verify failed"),
        (
            bound().trusting(&Authority::new("Other CA").certificate),
            "certificate verify failed",
        ),
        (
            bound().file(".postgresql/root.crl", &TOYS.revoke(&[7], 2120)),
            "certificate verify failed",
        ),
    ] {
        let said = psql(&way);
        assert!(said.contains(reason), "{said}");
        assert!(way.go().starts_with("error 5: "));
    }
}

/// A way to somebody who answers to the first message like this and hangs up.
fn stranger(answer: &'static [u8]) -> (Way, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut way = Way::to(&SERVER);
    way.place.port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut bytes = [0; 8];
        socket.read_exact(&mut bytes).unwrap();
        socket.write_all(answer).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        // Hanging up with something unread would be rude enough to lose the answer.
        let _ = socket.read_to_end(&mut Vec::new());
    });
    (way, server)
}

#[test]
fn somebody_who_is_no_server() {
    let (way, server) = stranger(b"S");
    assert_snapshot!(way.go(), @"
    error 5: the server closed the connection during the TLS handshake
      hint: check the server's log
    ");
    server.join().unwrap();
    let (way, server) = stranger(b"SHTTP/1.1 400 Bad Request\r\n\r\n");
    assert_snapshot!(way.go(), @"
    error 5: the server's answer is not TLS
      hint: check the host and the port of its address
    ");
    server.join().unwrap();
}

#[test]
fn a_server_that_is_not_asked_before() {
    let way = Way::to(&SERVER).wish(|wishes| wishes.direct = true);
    if major() >= 17 {
        assert_snapshot!(way.go(), @"
        TLSv1.3, verify-full by HOME/trusted.crt
        db.toysoldiers.test by Toys CA until 2120-01-01T00:00:00Z
        server: t TLSv1.3 -
        ");
    } else {
        // It takes our hello for something else.
        assert_snapshot!(way.go(), @"
        error 5: the server closed the connection during the TLS handshake
          hint: remove `sslnegotiation=direct`: PostgreSQL before 17 does not know it
        ");
    }
    assert!(
        way.prepare()
            .material()
            .variables
            .contains(&("PGSSLNEGOTIATION", "direct".into()))
    );
    // What a newer one is told.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut way = way;
    way.place.port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut acceptor = rustls::server::Acceptor::default();
        loop {
            acceptor.read_tls(&mut socket).unwrap();
            if let Some(accepted) = acceptor.accept().unwrap() {
                let hello = accepted.client_hello();
                let protocols: Vec<Vec<u8>> = hello.alpn().unwrap().map(<[u8]>::to_vec).collect();
                return (hello.server_name().unwrap().to_owned(), protocols);
            }
        }
    });
    way.go();
    let (name, protocols) = server.join().unwrap();
    assert_eq!(name, HOST);
    assert_eq!(protocols, [b"postgresql"]);
}
