#!/usr/bin/env python3
"""Records the demo account: builds it on the test server, runs a collection against it, and keeps the HTTP exchanges.

    PYTHON=$(ls -d target/test-python-*/bin/python)      # made by `cargo test`
    $PYTHON examples/demo-account/record.py -- \\
        target/debug/proofpack collect --config examples/demo-account/proofpack.toml

The command finds the account through AWS_ENDPOINT_URL. What it asked and was answered goes to exchanges.ndjson.gz beside
this file, sorted, each question once; what holds in the account goes to ground-truth.json. The server's clock and its ids
stand still, so recording again changes a file only where the account or the questions have changed.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUPPORT = HERE.parent.parent / "tests" / "support"
sys.path.insert(0, str(SUPPORT))

from world.builder import control  # noqa: E402 (the path has to be set first)
from world.seed import seed  # noqa: E402

#: The day after the audited quarter.
NOW = "2026-10-01T06:00:00Z"


@contextmanager
def server(now: str) -> Iterator[str]:
    """A test server whose clock stands still; its endpoint URL."""
    with tempfile.TemporaryDirectory() as directory:
        port_file = Path(directory) / "port"
        command = [sys.executable, "-m", "world.server", "--port-file", str(port_file), "--now", now, "--until-stdin-closes"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(SUPPORT)})
        try:
            while not port_file.exists():
                if process.poll() is not None:
                    raise SystemExit(f"the test server ended with {process.returncode} before it listened")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port_file.read_text()}"
        finally:
            process.kill()
            process.wait()


def environment(endpoint: str) -> dict[str, str]:
    """An environment in which only the test server can be reached."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
    }


def main() -> int:
    """Records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "exchanges.ndjson.gz")
    parser.add_argument("--truth", type=Path, default=HERE / "ground-truth.json")
    parser.add_argument("--now", default=NOW, help=f"the moment at which the account stands still (default: {NOW})")
    parser.add_argument("command", nargs="+", help="the collection to record, after --")
    arguments = parser.parse_args()
    with server(arguments.now) as endpoint:
        seed(endpoint, "demo").write(arguments.truth)
        control(endpoint, "POST", "record", {"on": True})
        finished = subprocess.run(arguments.command, env=environment(endpoint), check=False)
        control(endpoint, "POST", "record", {"on": False})
        exchanges = control(endpoint, "GET", "record")
    count = exchanges.count(b"\n")
    if finished.returncode != 0:
        # A gap is no failure here: the account has one on purpose. Whoever records decides by the exit code's meaning.
        print(f"the command ended with {finished.returncode}", file=sys.stderr)
    if count == 0:
        print("nothing was asked: the recording is left as it is", file=sys.stderr)
        return 1
    heading = json.dumps({"recorded-at": arguments.now}).encode() + b"\n"
    arguments.output.write_bytes(gzip.compress(heading + exchanges, 9, mtime=0))
    print(f"{count} exchanges, {len(exchanges)} bytes, {arguments.output.stat().st_size} packed: {arguments.output}")
    return finished.returncode


if __name__ == "__main__":
    sys.exit(main())
