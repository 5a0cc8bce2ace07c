//! A store that acknowledges something else than what was sent: a server of a few lines, because no real one does it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use super::{Home, NAME, PACKAGE, ending};

/// Answers one PutObject with these headers and returns what was put, with its head in lower case.
fn store_once(headers: &'static str) -> (String, thread::JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&connection);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
        (&connection).write_all(answer.as_bytes()).unwrap();
        (head, body)
    });
    (endpoint, serving)
}

#[test]
fn an_acknowledgement_without_the_checksum_that_was_sent_is_an_error() {
    for headers in
        ["", "x-amz-checksum-sha256: AAAA\r\nx-amz-version-id: v1\r\n", "x-amz-checksum-crc32: AAAAAA==\r\n"]
    {
        let (endpoint, serving) = store_once(headers);
        let home = Home::new(&format!("[aws]\nendpoint-url = \"{endpoint}\"\n"));
        let (code, said) = ending(&home.archive("s3://evidence/p"));
        let (head, body) = serving.join().unwrap();
        assert!(head.starts_with(&format!("put /evidence/p/{NAME}")), "{head}");
        for header in [
            "if-none-match: *",
            "x-amz-checksum-sha256: ",
            "x-amz-object-lock-mode: governance",
            "x-amz-object-lock-retain-until-date: ",
        ] {
            assert!(head.contains(header), "{header} is not in: {head}");
        }
        assert_eq!(body, PACKAGE);
        assert_eq!(code, 4, "{headers:?}: {said}");
        assert!(said.contains("do not rely on this copy"), "{said}");
        assert!(!home.path(&format!("{NAME}.receipt.json")).exists());
    }
}
