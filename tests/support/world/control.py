"""The server's control endpoints under `/world/`; not authenticated, so the server listens on loopback only.

    GET    /world/ready
    POST   /world/reset                    moto, events, faults, fixtures, root, journal
    POST   /world/seed     {"seed": 7}     ids that depend on what was asked only; null: random ones
    POST   /world/faults   {"kind": "deny", "service": "s3", "operation": "GetBucketPolicy", "contains": "name", ...}
    DELETE /world/faults
    GET    /world/journal                  {"service:Operation:region:status": count}
    DELETE /world/journal
    GET    /world/questions                every question with the statuses of its answers; DELETE /world/journal forgets them
    POST   /world/events   {"events": [...], "history_days": null}
    POST   /world/public-keys {"region": "us-east-1", "keys": [{"value": base64, "fingerprint": "...", "start": ..., "end": ...}]}
    POST   /world/fixtures {"service:Operation": {parsed output, or "error": {code, message, status}}, ...}    see fixed.py
    POST   /world/specimens {"elements": 1, "paged": false}      every operation is answered with a specimen until the next reset
    POST   /world/arguments {"service": "...", "operation": "..."}      parameters with which it can be called
    POST   /world/root     {"account": "...", "mfa": true, "access_key": false}
    POST   /world/age      {"account": "...", "user": "...", "created_days": 400, "password_used_days": 100, "keys": {id: {...}}}
    POST   /world/record   {"on": true}
    GET    /world/record                   exchanges as NDJSON
"""

import json
from typing import TYPE_CHECKING, Any

from . import gaps
from .answers import Answer
from .faults import Fault
from .specimens import Settings, arguments

if TYPE_CHECKING:
    from .server import World

PREFIX = "/world/"


def handle(world: "World", method: str, path: str, body: bytes) -> Answer:
    """Does what a control request asks."""
    try:
        value = _do(world, method, path.removeprefix(PREFIX), json.loads(body) if body else {})
    except Exception as problem:  # a control request comes from a test: it shall see what is wrong with it
        return _json(400, {"error": f"{type(problem).__name__}: {problem}"})
    return value if isinstance(value, Answer) else _json(200, value)


def _json(status: int, value: Any) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(value).encode())


def _do(world: "World", method: str, name: str, parameters: Any) -> Any:
    match method, name:
        case "GET", "ready":
            return {"ready": True}
        case "POST", "reset":
            world.reset()
        case "POST", "seed":
            world.seed = parameters["seed"]
        case "POST", "faults":
            world.faults.plant(Fault(**parameters))
        case "DELETE", "faults":
            world.faults.clear()
        case "GET", "journal":
            return world.recorder.counts()
        case "GET", "questions":
            return world.recorder.questions()
        case "DELETE", "journal":
            world.recorder.clear()
        case "POST", "events":
            if "history_days" in parameters:
                world.events.history_days = parameters["history_days"]
            return {"loaded": world.events.load(parameters.get("events", []))}
        case "POST", "public-keys":
            world.public_keys.publish(parameters["region"], parameters["keys"])
        case "POST", "fixtures":
            world.fixtures.tell(parameters)
        case "POST", "specimens":
            world.specimens = Settings(**parameters)
        case "POST", "arguments":
            return arguments(parameters["service"], parameters["operation"])
        case "POST", "root":
            world.root.set(parameters.pop("account"), parameters)
        case "POST", "age":
            gaps.set_user_dates(parameters.pop("account"), parameters.pop("user"), parameters)
        case "POST", "record":
            world.recorder.recording = bool(parameters["on"])
        case "GET", "record":
            lines = [json.dumps(exchange, ensure_ascii=False, sort_keys=True) + "\n" for exchange in world.recorder.exchanges()]
            return Answer(200, [("Content-Type", "application/x-ndjson")], "".join(lines).encode())
        case _:
            raise ValueError(f"there is no control {method} {PREFIX}{name}")
    return {"done": name}
