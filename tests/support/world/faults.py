"""Faults on purpose: what can go wrong between a collector and AWS, by service, operation, region and text."""

import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

from .answers import CLOSED, Answer, error
from .calls import Call, model

KINDS = (
    "deny",
    "throttle",
    "expired",
    "unknown-key",
    "not-subscribed",
    "not-in-region",
    "http500",
    "html",
    "slow",
    "close",
    "cut",
    "truncated",
)


@dataclass
class Fault:
    """What shall go wrong, where, and how often."""

    kind: str
    service: str = "*"
    operation: str = "*"
    region: str = "*"
    #: Calls as `service:Operation`; empty: all.
    calls: list[str] = field(default_factory=list)
    #: Text that the path, query or body must hold, such as a bucket's name.
    contains: str = ""
    #: How often it strikes; None: always.
    times: int | None = None
    #: How many fitting calls pass before it strikes.
    after: int = 0
    delay_seconds: float = 0.0
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; known are {', '.join(KINDS)}")

    def fits(self, call: Call) -> bool:
        """Whether it is about this call."""
        if self.service not in ("*", call.service) or self.operation not in ("*", call.operation):
            return False
        if self.region not in ("*", call.region):
            return False
        if self.calls and f"{call.service}:{call.operation}" not in self.calls:
            return False
        if not self.contains:
            return True
        text = f"{call.path}?{call.query}\n{call.body.decode('utf-8', 'replace')}"
        return self.contains in text or self.contains in urllib.parse.unquote_plus(text)


class Faults:
    """All faults that are planted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.planted: list[Fault] = []

    def plant(self, fault: Fault) -> None:
        """Adds one."""
        with self._lock:
            self.planted.append(fault)

    def clear(self) -> None:
        """Takes all away."""
        with self._lock:
            self.planted.clear()

    def _next(self, call: Call) -> Fault | None:
        with self._lock:
            for fault in self.planted:
                if not fault.fits(call):
                    continue
                fault.seen += 1
                if fault.seen <= fault.after or (fault.times is not None and fault.struck >= fault.times):
                    continue
                fault.struck += 1
                return fault
        return None

    def answer(self, call: Call, properly: Callable[[], Answer]) -> Answer | None:
        """The faulty answer to a call, if a fault strikes it; `properly` gives what would have been said."""
        fault = self._next(call)
        if fault is None:
            return None
        if fault.delay_seconds:
            time.sleep(fault.delay_seconds)
        match fault.kind:
            case "deny":
                code = {"ec2": "UnauthorizedOperation", "s3": "AccessDenied"}.get(call.service) or _denied(call)
                message = f"User: arn:aws:iam::{call.account}:user/auditor is not authorized to perform: {call.service}:{call.operation}"
                return error(call, code, message, 403)
            case "throttle":
                slow_down = {"ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503)}
                usual = ("Throttling" if _xml(call) else "ThrottlingException", 400)
                code, status = slow_down.get(call.service, usual)
                return error(call, code, "Rate exceeded", status)
            case "expired":
                code = "ExpiredToken" if _xml(call) else "ExpiredTokenException"
                return error(call, code, "The security token included in the request is expired", 403)
            case "unknown-key":
                code = "InvalidClientTokenId" if _xml(call) else "UnrecognizedClientException"
                return error(call, code, "The security token included in the request is invalid.", 403)
            case "not-subscribed":
                code = "OptInRequired" if _xml(call) else "SubscriptionRequiredException"
                return error(call, code, "The AWS Access Key Id needs a subscription for the service", 403)
            case "not-in-region":
                code = "InvalidAction" if _xml(call) else "UnknownOperationException"
                return error(call, code, "The action is not valid for this endpoint.", 400)
            case "http500":
                return error(call, "InternalFailure", "We encountered an internal error. Please try again.", 500)
            case "html":
                page = b"<!doctype html><html><title>502 Bad Gateway</title><body>proxy</body></html>"
                return Answer(502, [("Content-Type", "text/html")], page)
            case "close":
                return CLOSED
            case "cut":
                whole = properly()
                return whole._replace(body=whole.body[: len(whole.body) // 2], announced=len(whole.body))
            case "truncated":
                whole = properly()
                return whole._replace(body=whole.body[: len(whole.body) // 2])
        return None  # slow: late, but as usual


def _xml(call: Call) -> bool:
    try:
        return model(call.service).metadata["protocol"] in ("query", "rest-xml", "ec2")
    except Exception:  # a service without a model
        return False


def _denied(call: Call) -> str:
    return "AccessDenied" if _xml(call) else "AccessDeniedException"
