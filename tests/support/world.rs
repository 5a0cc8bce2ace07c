//! The tests' own AWS: a server around moto on a loopback port, empty or seeded with a world whose truth is known.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{python_tool, root, succeed};

/// How long the server may take to listen; a loaded machine needs its time to import moto.
const STARTING: Duration = Duration::from_secs(120);

/// A running server; it ends when this is dropped, or when the test process ends.
pub struct World {
    server: Child,
    directory: tempfile::TempDir,
    port: u16,
}

impl World {
    /// An empty account.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// An empty account on a server whose clock stands still at `now` (RFC 3339).
    pub fn start_at(now: &str) -> Self {
        Self::start_with(&["--now", now])
    }

    /// Both deployments with violations of every check, in `us-east-1` and `us-west-2`; see [`World::truth`].
    pub fn seeded() -> Self {
        let world = Self::start();
        world.seed("full");
        world
    }

    /// A seeded world that all tests share: seeding takes seconds. Nobody may change it or plant faults in it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<World> = OnceLock::new();
        SHARED.get_or_init(Self::seeded)
    }

    fn start_with(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port_file = directory.path().join("port");
        let log = directory.path().join("server.log");
        let mut command = python("world.server");
        command.arg("--port-file").arg(&port_file).arg("--until-stdin-closes").args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        let mut server = command.spawn().unwrap();
        let started = Instant::now();
        while !port_file.exists() {
            let ended = server.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < STARTING,
                "the test server did not start ({ended:?}):\n{}",
                fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let port = fs::read_to_string(&port_file).unwrap().parse().unwrap();
        Self { server, directory, port }
    }

    /// Empties the server and builds the world `full`, `demo` or `bare` on it.
    #[track_caller]
    pub fn seed(&self, world: &str) {
        let mut command = python("world.seed");
        command
            .args(["--endpoint", &self.endpoint(), "--world", world])
            .arg("--truth")
            .arg(self.truth_file());
        succeed(&mut command);
    }

    /// Delivers log files with their digest files, whole and broken in the ways that `world/delivery.py` knows, or as the
    /// arguments say; gives what was made.
    #[track_caller]
    pub fn deliver(&self, arguments: &[&str]) -> Value {
        let mut command = python("world.delivery");
        let output = succeed(command.args(["--endpoint", &self.endpoint()]).args(arguments));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The endpoint URL of every service.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the seeded world's truth is.
    pub fn truth_file(&self) -> PathBuf {
        self.directory.path().join("ground-truth.json")
    }

    /// What each check must find in the seeded world: `findings.<check id>.<ARN>` is `pass`, `fail` or `indeterminate`.
    #[track_caller]
    pub fn truth(&self) -> Value {
        serde_json::from_slice(&fs::read(self.truth_file()).expect("the world is not seeded")).unwrap()
    }

    /// Plants a fault, e.g. `{"kind": "deny", "service": "s3", "operation": "GetBucketPolicy", "contains": "name"}`.
    ///
    /// Kinds: `deny`, `throttle`, `expired`, `unknown-key`, `http500`, `html`, `slow`, `close`, `truncated`; optional: `region`, `times`,
    /// `after`, `delay_seconds`.
    #[track_caller]
    pub fn plant(&self, fault: Value) {
        self.control("POST", "faults", &fault);
    }

    /// Takes all faults away, those of the seeded world too.
    #[track_caller]
    pub fn clear_faults(&self) {
        self.control("DELETE", "faults", &Value::Null);
    }

    /// Lets an operation answer with a fixed output, e.g. `("securityhub:DescribeHub", {...})`.
    #[track_caller]
    pub fn fixture(&self, operation: &str, output: Value) {
        self.control("POST", "fixtures", &json!({ operation: output }));
    }

    /// How often each call was made: `service:Operation:region:status` to count.
    #[track_caller]
    pub fn journal(&self) -> Value {
        self.control("GET", "journal", &Value::Null)
    }

    /// Starts the journal anew.
    #[track_caller]
    pub fn clear_journal(&self) {
        self.control("DELETE", "journal", &Value::Null);
    }

    /// A request to the server's control endpoints (see `world/control.py`).
    #[track_caller]
    pub fn control(&self, method: &str, name: &str, parameters: &Value) -> Value {
        let body = if parameters.is_null() { String::new() } else { parameters.to_string() };
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} /world/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, content) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} /world/{name}: {answer}");
        serde_json::from_str(content).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A module of the world's own Python.
fn python(module: &str) -> Command {
    let mut command = python_tool("python");
    command.args(["-m", module]).env("PYTHONPATH", support()).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn support() -> &'static Path {
    static SUPPORT: OnceLock<PathBuf> = OnceLock::new();
    SUPPORT.get_or_init(|| root().join("tests/support"))
}
