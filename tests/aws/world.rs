//! A seeded test server, and sessions on it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use proofpack::aws::{Client, Models, Session, SessionOptions};

use serde_json::Value;

use crate::support::{python_tool, root, succeed};

/// The tests' own server around moto, with the full world in it; it ends with this value.
pub struct World {
    pub endpoint: String,
    server: Child,
}

impl World {
    /// Starts a server and seeds it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port_file = folder.path().join("port");
        let support = root().join("tests/support");
        let server = python_tool("python")
            .args(["-m", "world.server", "--port-file"])
            .arg(&port_file)
            .current_dir(&support)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut world = Self { endpoint: String::new(), server };
        let started = Instant::now();
        let port = loop {
            match fs::read_to_string(&port_file) {
                Ok(port) if !port.trim().is_empty() => break port,
                _ => assert!(started.elapsed() < Duration::from_secs(60), "the test server does not start"),
            }
            sleep(Duration::from_millis(50));
        };
        world.endpoint = format!("http://127.0.0.1:{}", port.trim());
        succeed(
            python_tool("python")
                .args(["-m", "world.seed", "--world", "full", "--endpoint", &world.endpoint, "--truth"])
                .arg(folder.path().join("truth.json"))
                .current_dir(&support),
        );
        world
    }

    /// Tells the server something (`tests/support/world/control.py`).
    pub fn control(&self, what: &str, body: &Value) {
        let address = self.endpoint.strip_prefix("http://").unwrap();
        let body = body.to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /world/{what} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200"), "{answer}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Options that reach nothing but `endpoint`, with one attempt per call.
pub fn options(endpoint: &str) -> SessionOptions {
    SessionOptions {
        region: Some("us-east-1".into()),
        endpoint_url: Some(endpoint.into()),
        static_credentials: Some(("testing".into(), "testing".into())),
        max_attempts: 1,
        ..SessionOptions::default()
    }
}

/// A client with the embedded models.
pub async fn client(options: SessionOptions) -> Client {
    let session = Session::load(options).await.unwrap();
    Client::new(Arc::new(Models::embedded().unwrap()), Arc::new(session))
}
