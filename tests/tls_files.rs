//! Certificates, keys and lists that cannot be used, and wishes that contradict each other. No server is asked.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use toysoldiers::pg::endpoint::{CertificateMode, Host, Mode, Place, Tls as Wishes, Trust};
use toysoldiers::pg::tls::Tls;

use crate::support::Folder;
use crate::support::tls::{Authority, params};
use crate::tls::{lament, private};

/// Why nothing comes of it.
fn refusal(folder: &Folder, mode: Mode, wish: impl FnOnce(&mut Wishes)) -> String {
    let error = prepare(folder, "db.toysoldiers.test", mode, wish)
        .err()
        .expect("is refused");
    lament(&error).replace(&folder.path().display().to_string(), "HOME")
}

fn prepare(
    folder: &Folder,
    host: &str,
    mode: Mode,
    wish: impl FnOnce(&mut Wishes),
) -> toysoldiers::error::Result<Option<Tls>> {
    let mut wishes = Wishes::default();
    wish(&mut wishes);
    let place = Place {
        host: Host::Name(host.to_owned()),
        address: None,
        port: 5432,
    };
    Tls::new(&wishes, mode, &place, Some(folder.path()))
}

#[test]
fn roots_that_cannot_be_read() {
    let folder = Folder::new();
    let authority = Authority::new("Toys CA");
    let root = |path: PathBuf| {
        refusal(&folder, Mode::VerifyFull, |wishes| {
            wishes.trust = Some(Trust::File(path));
        })
    };
    assert_snapshot!(root(folder.path().join("nowhere.crt")), @"
    error 4: cannot read HOME/nowhere.crt
      caused by: no such file or directory
      hint: see to it that you may read it, or name another with `sslrootcert=`
    ");
    assert_snapshot!(root(folder.write("empty.crt", "\n")), @"
    error 4: HOME/empty.crt is empty
      hint: put the certificate into it, as PEM text
    ");
    assert_snapshot!(root(folder.write("page.crt", "<!doctype html>")), @"
    error 4: there is no certificate in HOME/page.crt
      hint: put the certificate into it, as PEM text
    ");
    assert_snapshot!(root(folder.write("root.der", [0x30, 0x82, 0x01, 0x0a])), @"
    error 4: HOME/root.der is DER, not PEM
      hint: turn it into PEM: `openssl x509 -inform der -in HOME/root.der -out HOME/root.der.pem`
    ");
    assert_snapshot!(root(folder.write("cut.crt", &authority.certificate[..200])), @"
    error 4: HOME/cut.crt is damaged
      caused by: its last section has no end
      hint: fetch or make the certificate again
    ");
    let key = authority.issue(&params("nina", &[])).key;
    assert_snapshot!(root(folder.write("key.crt", key)), @"
    error 4: there is no certificate in HOME/key.crt
      hint: put the certificate into it, as PEM text
    ");
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let second = format!("{}{nonsense}", authority.certificate);
    assert_snapshot!(root(folder.write("second.crt", second)), @"
    error 4: certificate 2 in HOME/second.crt cannot be read
      hint: fetch or make the certificate again
    ");
}

#[test]
fn lists_that_cannot_be_read() {
    let folder = Folder::new();
    let authority = Authority::new("Toys CA");
    let trusted = folder.write("root.crt", &authority.certificate);
    let list = |text: &str| {
        let list = folder.write("root.crl", text);
        refusal(&folder, Mode::VerifyFull, |wishes| {
            wishes.trust = Some(Trust::File(trusted.clone()));
            wishes.revoked = Some(list);
        })
    };
    assert_snapshot!(list(&authority.certificate), @"
    error 4: there is no list of revoked certificates in HOME/root.crl
      hint: put the list of revoked certificates into it, as PEM text
    ");
    let nonsense = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    assert_snapshot!(list(nonsense), @"
    error 4: the list of revoked certificates in HOME/root.crl cannot be read
      hint: fetch the list again, or remove `sslcrl=`
    ");
}

#[test]
fn keys_that_cannot_be_used() {
    let folder = Folder::new();
    let authority = Authority::new("Toys CA");
    let issued = authority.issue(&params("nina", &[]));
    let certificate = folder.write("nina.crt", &issued.certificate);
    let shown = |key: Option<&Path>| {
        refusal(&folder, Mode::Require, |wishes| {
            wishes.certificate = Some(certificate.clone());
            wishes.key = key.map(Path::to_owned);
        })
    };
    assert_snapshot!(shown(None), @"
    error 4: no key goes with the certificate HOME/nina.crt
      hint: name its file with `sslkey=`
    ");
    assert_snapshot!(shown(Some(&folder.path().join("nowhere.key"))), @"
    error 4: cannot read HOME/nowhere.key
      caused by: no such file or directory
      hint: see to it that you may read it, or name another with `sslkey=`
    ");
    let key = private(&folder, "nina.key", &issued.key);
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        // What root lets a group read is fine, as it is for libpq.
        if mode != 0o640 || !rustix::process::geteuid().is_root() {
            assert!(shown(Some(&key)).contains("others may read"), "{mode:o}");
        }
    }
    assert_snapshot!(shown(Some(&key)), @"
    error 4: others may read the key HOME/nina.key
      hint: keep it to yourself: `chmod 600 HOME/nina.key`
    ");
    let other = private(
        &folder,
        "other.key",
        &authority.issue(&params("nina", &[])).key,
    );
    assert_snapshot!(shown(Some(&other)), @"
    error 4: the key HOME/other.key does not go with the certificate HOME/nina.crt
      hint: name the certificate with `sslcert=` and its key with `sslkey=`
    ");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert_snapshot!(shown(Some(&private(&folder, "locked.key", encrypted))), @"
    error 4: the key HOME/locked.key is encrypted, which is not understood
      hint: store it decrypted, for yourself only: `(umask 077; openssl pkey -in HOME/locked.key -out HOME/locked.key.plain)`
    ");
    let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    assert!(shown(Some(&private(&folder, "old.key", encrypted))).contains("is encrypted"));
    let mistaken = private(&folder, "mistaken.key", &issued.certificate);
    assert_snapshot!(shown(Some(&mistaken)), @"
    error 4: there is no private key in HOME/mistaken.key
      hint: put the private key into it, as PEM text
    ");
    let none = refusal(&folder, Mode::Require, |wishes| {
        wishes.certificate_mode = CertificateMode::Require;
    });
    assert_snapshot!(none, @"
    error 4: sslcertmode=require wants a certificate of our own, and there is none
      hint: name one with `sslcert=` and `sslkey=`
    ");
}

#[test]
fn a_key_that_merely_lies_there_does_not_keep_anyone_from_plain_text() {
    let folder = Folder::new();
    folder.write(".postgresql/postgresql.crt", "");
    folder.write(".postgresql/postgresql.key", "");
    assert!(prepare(&folder, "localhost", Mode::Prefer, |_| {}).is_ok());
    assert!(prepare(&folder, "localhost", Mode::Require, |_| {}).is_err());
}

#[test]
fn wishes_that_contradict_each_other() {
    let folder = Folder::new();
    assert_snapshot!(refusal(&folder, Mode::VerifyCa, |_| {}), @"
    error 4: sslmode=verify-ca with the system's certificates would trust any server that has one
      hint: write `sslmode=verify-full`, or name the issuer's certificate with `sslrootcert=`
    ");
    assert_snapshot!(refusal(&folder, Mode::Prefer, |wishes| wishes.direct = true), @"
    error 4: sslnegotiation=direct leaves no way to do without TLS, and sslmode=prefer wants one
      hint: write `sslmode=verify-full` beside it
    ");
    let neither = refusal(&folder, Mode::Require, |wishes| {
        wishes.only_1_2 = true;
        wishes.only_1_3 = true;
    });
    assert_snapshot!(neither, @"
    error 4: no version of TLS is at least 1.3 and at most 1.2
      hint: remove `ssl_min_protocol_version` or `ssl_max_protocol_version`
    ");
    let error = prepare(&folder, "toy soldiers", Mode::Require, |_| {}).err();
    assert_snapshot!(lament(&error.expect("is refused")), @"
    error 4: toy soldiers is no name a certificate could bear
      hint: write the server's name with letters, digits, hyphens and dots
    ");
}

#[test]
fn sockets_and_plain_text_take_nothing() {
    let folder = Folder::new();
    let plain = prepare(&folder, "db.toysoldiers.test", Mode::Disable, |_| {});
    assert!(plain.unwrap().is_none());
}
