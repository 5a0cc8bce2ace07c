"""Fixed answers: what the server says to operations that moto lacks or answers wrongly.

Those of all worlds stand in `fixtures/<service>.toml` (README.md there); a test or a world adds its own through the control
endpoint. `service:Operation?Name=value&@region=us-east-1` is the answer to calls with that parameter in that region (and
`@account`); without a question mark, to all others.

    python -m world.fixed          holds the files against botocore's models
"""

import functools
import json
import sys
import tomllib
import urllib.parse
from pathlib import Path
from typing import Any

from botocore.exceptions import UnknownServiceError

from .answers import Answer, error, output
from .calls import Call, model
from .specimens import parameters

FOLDER = Path(__file__).parent / "fixtures"

Entry = dict[str, Any]


@functools.cache
def standing() -> dict[str, Entry]:
    """The entries of the folder by `service:Operation`."""
    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for operation, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.stem}:{operation}"] = entry
    return found


class Fixtures:
    """The fixed answers of one server."""

    def __init__(self) -> None:
        self._told: dict[str, Entry] = {}

    def tell(self, entries: dict[str, Entry]) -> None:
        """Adds answers, which come before those of the folder."""
        for name, entry in entries.items():
            problems = list(_problems(name, entry))
            if problems:
                raise ValueError("; ".join(problems))
            self._told[name] = entry

    def clear(self) -> None:
        """Forgets what was told."""
        self._told.clear()

    def told(self, call: Call) -> Answer | None:
        """What was told to answer to a call, if anything."""
        return _answer(call, self._told)

    @staticmethod
    def standing(call: Call) -> Answer | None:
        """The folder's answer to a call, if it has one."""
        return _answer(call, standing())


def _answer(call: Call, entries: dict[str, Entry]) -> Answer | None:
    name = f"{call.service}:{call.operation}"
    some = {given.removeprefix(f"{name}?"): entry for given, entry in entries.items() if given.startswith(f"{name}?")}
    asked = {**parameters(call), "@account": call.account, "@region": call.region} if some else {}
    fits = {given: all(asked.get(key) == value for key, value in urllib.parse.parse_qsl(given)) for given in some}
    entry = next((entry for given, entry in some.items() if fits[given]), entries.get(name))
    if entry is None:
        return None
    return error(call, **entry["error"]) if _is_error(entry) else output(call, entry)


def _is_error(entry: Entry) -> bool:
    return set(entry) == {"error"} and isinstance(entry["error"], dict) and "code" in entry["error"]


def _problems(name: str, entry: Entry) -> list[str]:
    service, _, operation = name.partition("?")[0].partition(":")
    try:
        described = model(service)
    except UnknownServiceError:
        return [f"{name}: botocore knows no service {service}"]
    if operation not in described.operation_names:
        return [f"{name}: {service} has no such operation"]
    if _is_error(entry):
        wrong = set(entry["error"]) ^ {"code", "message", "status"}
        return [f"{name}: an error has a code, a message and a status, not {sorted(entry['error'])}"] if wrong else []
    shape = described.operation_model(operation).output_shape
    if shape is None:
        return [f"{name}: the operation has no output"] if entry else []
    return list(_misfits(name, shape, entry))


def _misfits(place: str, shape: Any, value: Any) -> list[str]:
    """What of a value the shape does not have."""
    kind = shape.type_name
    expected: dict[str, tuple[type, ...]] = {
        "structure": (dict,),
        "map": (dict,),
        "list": (list,),
        "string": (str, dict, list),
        "boolean": (bool,),
        "integer": (int,),
        "long": (int,),
    }
    if not isinstance(value, expected.get(kind, (object,))) or (kind in ("integer", "long") and isinstance(value, bool)):
        return [f"{place}: a {kind} is expected, not {json.dumps(value, default=str)}"]
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        unknown = [f"{place}: {shape.name} has no member {name}; it has {', '.join(shape.members)}" for name in value if name not in shape.members]
        known = [(name, member) for name, member in value.items() if name in shape.members]
        return unknown + [problem for name, member in known for problem in _misfits(f"{place}.{name}", shape.members[name], member)]
    if kind == "list":
        return [problem for member in value for problem in _misfits(f"{place}[]", shape.member, member)]
    if kind == "map":
        return [problem for name, member in value.items() for problem in _misfits(f"{place}.{name}", shape.value, member)]
    return []


def main() -> int:
    """Names everything in the folder that the models do not have."""
    problems = [problem for name, entry in standing().items() for problem in _problems(name, entry)]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(standing())} fixed answers, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
