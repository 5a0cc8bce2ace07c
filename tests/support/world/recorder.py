"""What the server was asked: a journal of counts, and whole exchanges for recordings that can be replayed."""

import base64
import collections
import threading
from typing import Any

from .answers import Answer
from .calls import Call

# Headers that say when and by which server, not what.
VOLATILE_HEADERS = {"date", "server", "connection", "content-length", "transfer-encoding", "access-control-allow-origin"}


class Recorder:
    """Counts every call; keeps exchanges while it is switched on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: collections.Counter[str] = collections.Counter()
        #: The statuses with which each question was answered, in order.
        self._answers: dict[tuple[str, ...], list[int]] = collections.defaultdict(list)
        self._exchanges: dict[tuple[str, ...], dict[str, Any]] = {}
        self.recording = False

    def note(self, call: Call, answer: Answer) -> None:
        """Takes down one exchange."""
        with self._lock:
            self._counts[f"{call.service}:{call.operation}:{call.region}:{answer.status}"] += 1
            body = call.body.decode("utf-8", "backslashreplace")
            wire = (call.method, call.raw_path, call.query, body, call.content_type, call.target, call.signing_name)
            question = (call.account, call.service, str(call.operation), call.region, *wire)
            self._answers[question].append(answer.status)
            if self.recording and answer.status:
                exchange = _exchange(call, answer)
                # The last answer to a question stands: a report that was still being made is ready by then.
                self._exchanges[_question(exchange)] = exchange

    def counts(self) -> dict[str, int]:
        """Calls by `service:Operation:region:status`."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def questions(self) -> list[dict[str, Any]]:
        """Every question with the statuses of its answers, in the order in which it was asked first."""
        wire = ("method", "path", "query", "body", "content_type", "target", "signing_name")
        names = ("account", "service", "operation", "region", *wire)
        with self._lock:
            return [dict(zip(names, question)) | {"statuses": statuses} for question, statuses in self._answers.items()]

    def exchanges(self) -> list[dict[str, Any]]:
        """What was recorded, each question once, in order."""
        with self._lock:
            return [self._exchanges[question] for question in sorted(self._exchanges)]

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._counts.clear()
            self._answers.clear()
            self._exchanges.clear()


def _question(exchange: dict[str, Any]) -> tuple[str, ...]:
    return tuple(exchange[name] for name in ("service", "region", "method", "path", "query", "target", "request"))


def _exchange(call: Call, answer: Answer) -> dict[str, Any]:
    exchange: dict[str, Any] = {
        "service": call.signing_name,
        "region": call.region,
        "method": call.method,
        "path": call.raw_path,
        "query": call.query,
        "target": call.target,
        "request": call.body.decode("utf-8", "backslashreplace"),
        "status": answer.status,
        "headers": {name.lower(): text for name, text in sorted(answer.headers) if name.lower() not in VOLATILE_HEADERS},
    }
    try:
        exchange["body"] = answer.body.decode("utf-8")
    except UnicodeDecodeError:
        exchange["body-base64"] = base64.b64encode(answer.body).decode()
    return exchange
