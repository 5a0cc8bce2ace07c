"""Holds specimens against botocore: what the server writes for an operation must be read back as it was made.

    python -m world.readable [SERVICE ...]       services: all reading operations of these instead of the trimmed models'
"""

import datetime
import json
import sys
from typing import Any

import botocore.parsers
from botocore.model import ServiceModel
from requests.structures import CaseInsensitiveDict

from .answers import _fit, output
from .calls import LOADER, Call, model
from .identified import wanted
from .specimens import Settings, value


def call_of(service: str, operation: str) -> Call:
    """A call without parameters, as its protocol has it."""
    target = "x.y" if model(service).metadata["protocol"] == "json" else ""
    return Call(service, "us-east-1", "123456789012", service, operation, "POST", "/", "", b"", target, "/")


def read(service: str, operation: str, answer: Any) -> dict[str, Any]:
    """What botocore makes of an answer."""
    described = ServiceModel(LOADER.load_service_model(service, "service-2"), service)
    protocol = described.metadata["protocol"]
    if protocol == "smithy-rpc-v2-cbor" and "json" in described.metadata.get("protocols", []):
        protocol = "json"
    parser = botocore.parsers.create_parser(protocol)
    parsed: dict[str, Any] = parser.parse(
        {"headers": CaseInsensitiveDict(answer.headers), "status_code": answer.status, "body": answer.body},
        described.operation_model(operation).output_shape,
    )
    parsed.pop("ResponseMetadata", None)
    return parsed


def differences(place: str, wrote: Any, found: Any) -> list[str]:
    """Where two values part."""
    if isinstance(wrote, dict) and isinstance(found, dict):
        names = [*wrote, *(name for name in found if name not in wrote)]
        return [line for name in names for line in differences(f"{place}.{name}", wrote.get(name), found.get(name))]
    if isinstance(wrote, list) and isinstance(found, list) and len(wrote) == len(found):
        return [line for one, other in zip(wrote, found) for line in differences(place + "[]", one, other)]
    if isinstance(wrote, datetime.datetime) and isinstance(found, datetime.datetime):
        return [] if wrote == found else [f"{place}: {wrote} is read as {found}"]
    return [] if wrote == found else [f"{place}: {wrote!r:.60} is read as {found!r:.60}"]


def main() -> int:
    """Names what is read otherwise than it was written."""
    problems, count = [], 0
    for service, operations in wanted(sys.argv[1:]):
        for operation in operations:
            shape = model(service).operation_model(operation).output_shape
            # The CLI reads this body by a handler of its own.
            if (service, operation) == ("s3", "GetBucketLocation"):
                continue
            if shape is None or any(member.serialization.get("streaming") for member in shape.members.values()):
                continue
            if any(getattr(member, "is_event_stream", False) or member.serialization.get("eventstream") for member in shape.members.values()):
                continue
            count += 1
            try:
                call = call_of(service, operation)
                made = value(call, Settings())
                answer = output(call, json.loads(json.dumps(made)))
                problems += differences(f"{service} {operation}", _fit(shape, made), read(service, operation, answer))
            except Exception as problem:
                problems.append(f"{service} {operation}: {type(problem).__name__}: {problem}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{count} operations, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
