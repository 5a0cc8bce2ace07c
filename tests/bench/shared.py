"""What the benches share: the program, the tests' Python, and the test server with a seeded world."""

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
}


def stop(message):
    sys.exit(f"{sys.argv[0]}: {message}")


def environment(name, marker, packages, *options):
    """A virtual environment under target/, made once."""
    folder = TARGET / name
    if not (folder / marker).exists():
        print(f"installing {' '.join(packages)} into {folder} ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", *options, *packages], check=True)
        (folder / marker).write_text("")
    return folder / "bin"


def test_python():
    """The tests' own environment, as tests/support/mod.rs makes it."""
    requirements = ROOT / "tests/support/requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    return environment(f"test-python-{digest}", "complete", ["--requirement", str(requirements)], "--no-deps") / "python"


def program(dev):
    command = ["cargo", "build", "--quiet", *([] if dev else ["--release"])]
    subprocess.run(command, cwd=ROOT, check=True)
    return TARGET / ("debug" if dev else "release") / "proofpack"


def measured(command, accepted, folder, settings=None):
    """Runs a command in a folder under GNU time: wall and CPU seconds, peak memory in MB, what it printed."""
    if not Path("/usr/bin/time").exists():
        stop("GNU time is needed (Debian: apt-get install time)")
    surroundings = {"PATH": os.environ["PATH"], **CREDENTIALS, **(settings or {})}
    with tempfile.NamedTemporaryFile("r") as report:
        began = time.monotonic()
        timed = ["/usr/bin/time", "-v", "-o", report.name, *command]
        done = subprocess.run(timed, capture_output=True, text=True, cwd=folder, env=surroundings)
        wall = time.monotonic() - began
        figures = report.read()
    if done.returncode not in accepted:
        stop(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")

    def figure(label):
        return float(re.search(re.escape(label) + r": ([\d.]+)", figures).group(1))

    return {
        "wall": wall,
        "cpu": figure("User time (seconds)") + figure("System time (seconds)"),
        "mb": figure("Maximum resident set size (kbytes)") / 1024,
        "told": done.stdout,
    }


def middle(rounds):
    """The median of each figure."""
    figures = [name for name, value in rounds[0].items() if isinstance(value, (int, float))]
    return {name: statistics.median(one[name] for one in rounds) for name in figures}


class Server:
    """The test server, empty."""

    def __init__(self, python, folder):
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests/support"), "PYTHONDONTWRITEBYTECODE": "1", **CREDENTIALS}
        port = folder / "port"
        port.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [python, "-m", "world.server", "--port-file", port, "--until-stdin-closes"], stdin=subprocess.PIPE, env=self.environment
        )
        while not port.exists():
            if self.process.poll() is not None:
                stop("the test server did not start")
            time.sleep(0.1)
        self.endpoint = f"http://127.0.0.1:{port.read_text()}"

    def fill(self, python, module, *arguments):
        """Runs one of the tests' programs that fill the server; gives what it printed."""
        command = [python, "-m", f"world.{module}", "--endpoint", self.endpoint, *map(str, arguments)]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout.strip()

    def control(self, method, name):
        request = urllib.request.Request(f"{self.endpoint}/world/{name}", method=method)
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.kill()
        self.process.wait()


class World(Server):
    """The test server with a seeded world."""

    def __init__(self, python, folder, scale, denials=False):
        super().__init__(python, folder)
        began = time.monotonic()
        told = self.fill(python, "seed", "--truth", folder / "truth.json", "--scale", scale)
        print(f"world of scale {scale}: {told}; built in {time.monotonic() - began:.0f} s")
        # The seeded world denies a few calls; most benches compare what is answered.
        if not denials:
            self.control("DELETE", "faults")
