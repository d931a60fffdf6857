//! Throw-away servers on the loopback that speak TLS, and the certificates for them. They end with this process,
//! as the one in `server.rs` does.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};
use toysoldiers::pg::endpoint::{Host, Place};

use super::Folder;
use super::process::{as_server_user, server_user};
use super::server::bin;

/// What the servers are called.
pub const HOST: &str = "db.toysoldiers.test";

/// A certificate and its key, as PEM text.
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

/// Whoever issues certificates.
pub struct Authority {
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self {
            certificate: params.self_signed(&key).unwrap().pem(),
            issuer: Issuer::new(params, key),
        }
    }

    pub fn issue(&self, params: &CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        Issued {
            certificate: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// The list that revokes these certificates.
    pub fn revoke(&self, serials: &[u64], until: i32) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// A certificate for this common name and these hosts, number 7.
pub fn params(common_name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.serial_number = Some(SerialNumber::from(7u64));
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

/// A certificate that signed itself and could sign others, as `openssl req -x509` makes them.
pub fn self_signed(common_name: &str) -> Issued {
    let mut params = params(common_name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    Issued {
        certificate: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// An initialised cluster, to be copied. Deleted like the servers when this process ends.
static TEMPLATE: LazyLock<(PathBuf, Child)> = LazyLock::new(|| {
    let folder = std::mem::ManuallyDrop::new(Folder::new());
    hand_over(folder.path());
    let made = as_server_user(&bin().join("initdb"))
        .args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
        .args(["--no-sync", "--username=postgres", "-D"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let shell = as_server_user(Path::new("/bin/sh"))
        .args(["-c", "cat >/dev/null; rm -rf \"$1\"", "sh"])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    (folder.path().join("data"), shell)
});

/// Who is let in how.
const RULES: &str = "\
local   all all           trust
hostssl all certified all cert
hostssl all bound     all scram-sha-256
host    all postgres  all trust
";

/// A server of its own.
pub struct TlsServer {
    folder: PathBuf,
    port: u16,
    _shell: Child,
}

impl TlsServer {
    /// Shows this certificate, if any, and accepts certificates of clients that this authority issued.
    pub fn start(shown: Option<&Issued>, authority: &Authority, settings: &[&str]) -> Self {
        // A port that is free now may be taken in a moment.
        (0..5)
            .find_map(|_| Self::try_start(shown, authority, settings))
            .expect("a port stays free")
    }

    fn try_start(shown: Option<&Issued>, authority: &Authority, settings: &[&str]) -> Option<Self> {
        let folder = std::mem::ManuallyDrop::new(Folder::new());
        hand_over(folder.path());
        let data = folder.path().join("data");
        let copied = as_server_user(Path::new("/bin/cp"))
            .arg("-a")
            .args([&TEMPLATE.0, &data])
            .status();
        assert!(copied.unwrap().success());
        folder.write("data/pg_hba.conf", RULES);
        hand_over(&folder.write("data/root.crt", &authority.certificate));
        let mut settings: Vec<String> = settings.iter().map(|&one| one.to_owned()).collect();
        if let Some(shown) = shown {
            hand_over(&folder.write("data/server.crt", &shown.certificate));
            hand_over(&folder.write("data/server.key", &shown.key));
            settings.extend(["ssl=on", "ssl_ca_file=root.crt"].map(str::to_owned));
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        settings.push(format!("port={port}"));
        let mut shell = as_server_user(Path::new("/bin/sh"));
        shell
            .arg("-c")
            .arg(
                "bin=$1; folder=$2; shift 2; \"$bin/postgres\" -D \"$folder/data\" -k \"$folder\" \
                 -c listen_addresses=127.0.0.1 -c fsync=off \"$@\" >\"$folder/log\" 2>&1 & \
                 cat >/dev/null; kill -QUIT $!; wait $!; rm -rf \"$folder\"",
            )
            .arg("sh")
            .arg(bin())
            .arg(folder.path());
        for setting in &settings {
            shell.args(["-c", setting]);
        }
        let server = Self {
            folder: folder.path().to_owned(),
            port,
            _shell: shell
                .stdin(Stdio::piped())
                .process_group(0)
                .spawn()
                .unwrap(),
        };
        let log = || std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        // It has no other way to say that it is ready than to answer.
        for _ in 0..1000 {
            if server.try_sql("select 1").is_ok() {
                return Some(server);
            }
            if log().contains("could not bind") {
                return None;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{}", log());
    }

    /// Where it is, under this name.
    pub fn place(&self, host: &str) -> Place {
        Place {
            host: Host::Name(host.to_owned()),
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: self.port,
        }
    }

    fn try_sql(&self, text: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = Config::new()
                .host_path(&self.folder)
                .port(self.port)
                .user("postgres")
                .connect(NoTls)
                .await?;
            tokio::spawn(connection);
            let messages = client.simple_query(text).await?.into_iter();
            let rows = messages.filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("").to_owned()),
                _ => None,
            });
            Ok(rows.collect())
        })
    }

    /// Runs SQL; the first column.
    pub fn sql(&self, text: &str) -> Vec<String> {
        self.try_sql(text).unwrap()
    }
}

/// Gives a file to the user the server runs as; nobody else reads it.
fn hand_over(path: &Path) {
    let mode = if path.is_dir() { 0o755 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    if let Some((uid, gid)) = server_user() {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}
