"""The test server: moto's own application in one process, on loopback, with what it lacks put around it.

    python -m world.server --port-file FILE [--port 0] [--now 2026-10-01T00:00:00Z] [--until-stdin-closes]

The port is written to FILE once the server listens. Control endpoints: see control.py.
"""

import argparse
import collections
import hashlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# moto's 1,180 preloaded machine images and their snapshots are of no use here and cost a second.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "false")

if __name__ == "__main__" and "--now" in sys.argv:
    from world import clock as _clock

    _clock.freeze(sys.argv[sys.argv.index("--now") + 1])

from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from world import athena, control, gaps, moto_fixes, specimens, uploads
from world.answers import CLOSED, Answer, error
from world.calls import Call, identify, read_body
from world.faults import Faults
from world.fixed import Fixtures
from world.recorder import Recorder
from world.trail import EventStore, PublicKeys

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class World:
    """The WSGI application: faults, fixtures and corrections around moto."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(_backend_app)
        # moto's backends are not made for threads; it is the bottleneck anyway.
        self._moto_lock = threading.Lock()
        self.faults = Faults()
        self.events = EventStore()
        self.public_keys = PublicKeys()
        self.recorder = Recorder()
        self.root = gaps.RootUser()
        self.fixtures = Fixtures()
        self.athena = athena.Athena()
        #: How every operation is answered with a specimen, if it is.
        self.specimens: specimens.Settings | None = None
        self.seed: int | None = None
        self._asked: collections.Counter[str] = collections.Counter()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = read_body(environ)
        path = environ.get("PATH_INFO") or "/"
        if path.startswith(control.PREFIX):
            return _send(control.handle(self, environ["REQUEST_METHOD"], path, body), environ, start_response)
        call = identify(environ, body)
        if call is None:
            return _send(self._ask_moto(environ), environ, start_response)
        answer = self._answer(call, environ)
        self.recorder.note(call, answer)
        return _send(answer, environ, start_response)

    def _answer(self, call: Call, environ: Environ) -> Answer:
        faulty = self.faults.answer(call, lambda: self._properly(call, environ))
        return faulty if faulty is not None else self._properly(call, environ)

    def _properly(self, call: Call, environ: Environ) -> Answer:
        fixed = self.fixtures.told(call)
        if fixed is None and self.specimens is not None:
            fixed = specimens.answer(call, self.specimens)
        if fixed is None:
            fixed = self.fixtures.standing(call)
        if fixed is not None:
            return fixed
        if call.service == "cloudtrail" and call.operation == "LookupEvents":
            return self.events.lookup(call)
        if call.service == "cloudtrail" and call.operation == "ListPublicKeys":
            return self.public_keys.list(call)
        ready = gaps.before_moto(call)
        if ready is not None:
            return ready
        if call.service == "athena":
            return self.athena.answer(call, lambda: self._ask_moto(environ, call))
        answer = gaps.after_moto(call, self._ask_moto(environ, call))
        return self.root.correct(call, answer)

    def _ask_moto(self, environ: Environ, call: Call | None = None) -> Answer:
        captured: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], None]:
            captured[:] = [int(status.split()[0]), list(headers)]
            return lambda _: None

        with self._moto_lock:
            if call is not None and self.seed is not None:
                self._reseed(call)
            try:
                body = b"".join(self.moto(environ, start_response))
            except Exception as problem:  # moto's own bugs: one line for whoever reads the log, and what AWS would say
                print(f"moto failed at {call and (call.service, call.operation)}: {type(problem).__name__}: {problem}", file=sys.stderr)
                return error(call, "InternalFailure", f"moto: {problem}", 500) if call else Answer(500, [], b"")
        return Answer(captured[0], captured[1], body)

    def _reseed(self, call: Call) -> None:
        """Makes the ids of the next answer depend on nothing but the question and how often it was asked.

        Clients put random tokens into writes, and reads arrive in any order: writes count, reads are hashed.
        """
        name = f"{call.service}:{call.operation}:{call.region}"
        if call.reads:
            salt = hashlib.sha256(f"{call.path}?{call.query}".encode() + call.body).hexdigest()
        else:
            self._asked[name] += 1
            salt = str(self._asked[name])
        mock_random.seed(f"{self.seed}:{name}:{salt}")

    def reset(self) -> None:
        """Back to an empty account."""
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/moto-api/reset",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "HTTP_HOST": "127.0.0.1",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": "0",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
        }
        self._ask_moto(environ)
        self.specimens = None
        for part in (self.faults, self.events, self.public_keys, self.recorder, self.root, self.fixtures, self.athena, self._asked):
            part.clear()


def _backend_app(service: Any) -> Any:
    app = create_backend_app(service)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


def _send(answer: Answer, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    headers = [(name, text) for name, text in answer.headers if name.lower() != "content-length"]
    length = next((text for name, text in answer.headers if name.lower() == "content-length"), None)
    # The answer to HEAD names the length of a body that it does not carry.
    keeps_length = environ["REQUEST_METHOD"] == "HEAD" and length is not None
    headers.append(("Content-Length", length if keeps_length else str(answer.announced or len(answer.body))))
    start_response(f"{answer.status} Answer", headers)
    return [answer.body]


class Handler(MotoRequestHandler):
    """Keeps connections open, as AWS does, and stays quiet."""

    protocol_version = "HTTP/1.1"
    # What is held back waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Werkzeug's own closes every connection, and writes head and body apart."""
        environ = self.make_environ()
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            said[:] = [status, headers]

        body = b"".join(self.server.app(environ, start_response))  # type: ignore[attr-defined]
        status, headers = said
        if status.startswith("0 "):
            self.close_connection = True
            return
        length = next(int(text) for name, text in headers if name == "Content-Length")
        if length > len(body) and environ["REQUEST_METHOD"] != "HEAD":
            self.close_connection = True
        head = "".join(f"{name}: {text}\r\n" for name, text in headers)
        begun = f"HTTP/1.1 {status}\r\n{head}Date: {self.date_time_string()}\r\nServer: moto\r\n\r\n"
        self.wfile.write(begun.encode("latin-1") + body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing: the journal knows."""


def _end_with_stdin() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--port-file", type=Path, required=True, help="where the port is written once the server listens")
    parser.add_argument("--now", help="stop the server's clock at this moment (RFC 3339)")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when whoever started the server is gone")
    arguments = parser.parse_args()
    moto_fixes.apply()
    uploads.apply()
    server = make_server("127.0.0.1", arguments.port, World(), threaded=True, request_handler=Handler)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    partial = arguments.port_file.with_suffix(".partial")
    partial.write_text(str(server.server_port))
    partial.replace(arguments.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
