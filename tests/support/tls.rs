//! Throw-away servers on the loopback that speak TLS, and the certificates for them. They end with this process,
//! as the one in `server.rs` does.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use toysoldiers::pg::endpoint::{Host, Place};

use super::{Server, Setup};

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

/// A server of its own.
pub struct TlsServer {
    pub server: Arc<Server>,
}

impl TlsServer {
    /// Shows this certificate, if any, and accepts certificates of clients that this authority issued.
    pub fn start(shown: Option<&Issued>, authority: &Authority, settings: &[&str]) -> Self {
        let mut setup = Setup::new()
            .rule("hostssl all certified all cert")
            .rule("hostssl all bound all scram-sha-256");
        for setting in settings {
            setup = setup.setting(setting);
        }
        if let Some(shown) = shown {
            setup = setup
                .setting("ssl = on")
                .setting("ssl_ca_file = 'root.crt'")
                .file("root.crt", &authority.certificate)
                .file("server.crt", &shown.certificate)
                .file("server.key", &shown.key);
        }
        Self {
            server: Server::start(&setup),
        }
    }

    /// Where it is, under this name.
    pub fn place(&self, host: &str) -> Place {
        Place {
            host: Host::Name(host.to_owned()),
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: self.server.port,
        }
    }

    /// Runs SQL; the first column.
    pub fn sql(&self, text: &str) -> Vec<String> {
        self.server.database("postgres").sql(text)
    }
}
