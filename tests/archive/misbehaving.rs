//! A store that acknowledges something else than what was sent: a server of a few lines, because no real one does it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use proofpack::archive::{Archive, ArchiveError, IndexEntry, Keep, LockMode, Parcel, S3Archive};
use proofpack::aws::{Session, SessionOptions};
use proofpack::canonical;

use super::{Home, NAME};

/// Says that nothing is there, then answers one PutObject with these headers; returns what was put, with its head in lower case.
fn store_once(headers: &'static str) -> (String, thread::JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        loop {
            let (connection, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&connection);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
            }
            let head = head.to_lowercase();
            if head.starts_with("head ") {
                let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                (&connection).write_all(answer.as_bytes()).unwrap();
                continue;
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.trim().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let answer =
                format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
            (&connection).write_all(answer.as_bytes()).unwrap();
            return (head, body);
        }
    });
    (endpoint, serving)
}

/// An S3 client on the endpoint.
pub(super) async fn client(endpoint: &str) -> aws_sdk_s3::Client {
    client_that_tries(endpoint, 3).await
}

/// An S3 client that makes so many attempts.
pub(super) async fn client_that_tries(endpoint: &str, max_attempts: u32) -> aws_sdk_s3::Client {
    let options = SessionOptions {
        region: Some("us-east-1".into()),
        endpoint_url: Some(endpoint.to_owned()),
        static_credentials: Some(("testing".into(), "testing".into())),
        max_attempts,
        ..SessionOptions::default()
    };
    let session = Session::load(options).await.unwrap();
    let config = aws_sdk_s3::config::Builder::from(session.sdk_config()).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// How the tests keep things.
pub(super) fn keep() -> Keep {
    Keep {
        lock: Some(LockMode::Governance),
        retain_until: Some("2032-10-01T00:00:00Z".parse().unwrap()),
        ..Keep::default()
    }
}

/// The index object of the sample package.
pub(super) fn entry(parcel: &Parcel<'_>) -> IndexEntry {
    IndexEntry {
        version: IndexEntry::VERSION,
        package: parcel.name.to_owned(),
        sha256: parcel.sha256,
        bytes: parcel.bytes,
        manifest_sha256: canonical::sha256(b"manifest"),
        merkle_root: canonical::sha256(b"root"),
        scope: crate::support::bundles::seal_info().scope,
        sealed_at: "2026-10-01T00:00:00Z".parse().unwrap(),
        previous_manifest_sha256: None,
        amends_sha256: None,
    }
}

#[tokio::test]
async fn an_acknowledgement_without_the_checksum_that_was_sent_is_an_error() {
    let home = Home::new("");
    for headers in
        ["", "x-amz-checksum-sha256: AAAA\r\nx-amz-version-id: v1\r\n", "x-amz-checksum-crc32: AAAAAA==\r\n"]
    {
        let (endpoint, serving) = store_once(headers);
        let path = home.path(NAME);
        let parcel = Parcel::of(&path, NAME).unwrap();
        let s3 = S3Archive::new(client(&endpoint).await, "s3://evidence/p").unwrap();
        let error = Archive::S3(Box::new(s3)).put(&parcel, &keep(), &entry(&parcel)).await.unwrap_err();
        let (head, body) = serving.join().unwrap();
        assert!(head.starts_with(&format!("put /evidence/p/{NAME}")), "{head}");
        for header in [
            "if-none-match: *",
            "x-amz-checksum-sha256: ",
            "x-amz-object-lock-mode: governance",
            "x-amz-object-lock-retain-until-date: 2032-10-01",
        ] {
            assert!(head.contains(header), "{header} is not in: {head}");
        }
        assert_eq!(body, home.package());
        assert!(matches!(error, ArchiveError::NotAsAsked { .. }), "{headers:?}: {error}");
        assert!(error.to_string().contains("do not rely on this copy"), "{error}");
    }
}
