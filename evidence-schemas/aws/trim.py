#!/usr/bin/env python3
"""Derives the AWS service models of this folder from those of botocore.

Which operations: those that the collectors name (src/catalog/collectors/*.toml) and those of
operations.toml. To add a call, name it in a collector and run this again; nothing else needs a change.

    python evidence-schemas/aws/trim.py [--output FOLDER]

It needs the botocore of tests/support/requirements.txt: other versions give other models, and a test
compares the outcome with what is committed. Documentation, validation limits and all shapes that the
operations do not reach are left out.
"""

import argparse
import json
import pathlib
import re
import sys
import tomllib

import botocore
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
COLLECTORS = REPOSITORY / "src/catalog/collectors"

READING = re.compile(r"^(Get|List|Describe)[A-Z]")

METADATA = [
    "apiVersion", "endpointPrefix", "jsonVersion", "protocol", "protocols", "serviceId", "signingName",
    "targetPrefix", "xmlNamespace",
]
OPERATION = ["name", "staticContextParams"]
SHAPE = [
    "type", "payload", "flattened", "locationName", "timestampFormat", "union", "document", "streaming",
    "jsonvalue", "xmlNamespace", "xmlAttribute",
]
REFERENCE = [
    "shape", "location", "locationName", "queryName", "flattened", "timestampFormat", "streaming", "jsonvalue",
    "xmlNamespace", "xmlAttribute", "resultWrapper", "contextParam",
]
PAGINATION = ["input_token", "output_token", "limit_key", "result_key", "non_aggregate_keys", "more_results"]
TOKENS = {"nexttoken", "nextmarker", "marker", "continuationtoken", "paginationtoken"}


class Refused(Exception):
    """The models cannot be derived; the message says what to change."""


def only(source, names):
    return {name: source[name] for name in names if name in source}


def wanted(list_file, folder):
    """Operations by service: what operations.toml lists and what the collectors call."""
    listed = tomllib.loads(list_file.read_text())
    services = {service: set(operations) for service, operations in listed["operations"].items()}
    for path in sorted(folder.glob("*.toml")):
        collector = tomllib.loads(path.read_text())
        services.setdefault(collector["service"], set()).update(
            call["operation"] for call in collector.get("call", [])
        )
    exceptions = listed.get("reader", []) + listed.get("query", [])
    readers = {(exception["service"], exception["operation"]) for exception in exceptions}
    for query in listed.get("query", []):
        services.setdefault(query["service"], set()).add(query["operation"])
    for service, operations in services.items():
        for operation in operations:
            if not READING.match(operation) and (service, operation) not in readers:
                raise Refused(f"{service} {operation} does not read; see [[reader]] in operations.toml")
    pagination = {(entry.pop("service"), entry.pop("operation")): entry for entry in listed.get("pagination", [])}
    return services, pagination


def trim_operation(operation, model):
    trimmed = only(operation, OPERATION)
    http = only(operation["http"], ["method", "requestUri"])
    # The endpoint rules put bucket and account into the URL; the model would do so once more.
    if http["requestUri"].startswith("/{Bucket}"):
        http["requestUri"] = http["requestUri"].removeprefix("/{Bucket}")
        if not http["requestUri"].startswith("/"):
            http["requestUri"] = "/" + http["requestUri"]
    prefix = operation.get("endpoint", {}).get("hostPrefix")
    if prefix not in (None, "{AccountId}."):
        raise Refused(f"{operation['name']} has the host prefix {prefix}, which the client does not know")
    trimmed["http"] = http
    for side in ("input", "output"):
        if side in operation:
            trimmed[side] = only(operation[side], REFERENCE)
    return trimmed


def trim_shape(shape):
    trimmed = only(shape, SHAPE)
    if "members" in shape:
        trimmed["members"] = {name: only(member, REFERENCE) for name, member in shape["members"].items()}
    for part in ("member", "key", "value"):
        if part in shape:
            trimmed[part] = only(shape[part], REFERENCE)
    return trimmed


def references(shape):
    for member in shape.get("members", {}).values():
        yield member["shape"]
    for part in ("member", "key", "value"):
        if part in shape:
            yield shape[part]["shape"]


def trim_pagination(service, name, operation, model, paginators, additions):
    if (service, name) in additions:
        if name in paginators:
            raise Refused(f"{service} {name}: botocore has a paginator by now; drop ours from operations.toml")
        return additions[service, name]
    if name in paginators:
        return only(paginators[name], PAGINATION)
    sides = []
    for side in ("input", "output"):
        members = model["shapes"].get(operation.get(side, {}).get("shape"), {}).get("members", {})
        sides.append({member for member in members if member.lower() in TOKENS})
    if all(sides):
        raise Refused(f"{service} {name} has tokens but no paginator: add a [[pagination]] to operations.toml")
    return None


def trim_service(loader, service, operations, additions):
    model = loader.load_service_model(service, "service-2")
    try:
        paginators = loader.load_service_model(service, "paginators-1")["pagination"]
    except UnknownServiceError:
        paginators = {}
    trimmed = {"metadata": only(model["metadata"], METADATA), "operations": {}, "pagination": {}, "shapes": {}}
    pending = []
    for name in sorted(operations):
        if name not in model["operations"]:
            raise Refused(f"botocore {botocore.__version__} knows no operation {service} {name}")
        operation = trim_operation(model["operations"][name], model)
        trimmed["operations"][name] = operation
        pending += [operation[side]["shape"] for side in ("input", "output") if side in operation]
        pages = trim_pagination(service, name, operation, model, paginators, additions)
        if pages:
            trimmed["pagination"][name] = pages
    shapes = {}
    while pending:
        name = pending.pop()
        if name not in shapes:
            shapes[name] = trim_shape(model["shapes"][name])
            pending += references(shapes[name])
    trimmed["shapes"] = dict(sorted(shapes.items()))
    return trimmed


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def by_lines(model):
    """JSON with one operation and one shape a line, so that a diff shows what changed."""
    sections = []
    for section, content in model.items():
        if section == "metadata":
            sections.append(f'"metadata":{compact(content)}')
        else:
            lines = ",\n".join(f"{compact(name)}:{compact(value)}" for name, value in content.items())
            sections.append(f'"{section}":{{\n{lines}\n}}' if lines else f'"{section}":{{}}')
    return "{\n" + ",\n".join(sections) + "\n}\n"


def undocumented(value):
    if isinstance(value, dict):
        return {name: undocumented(item) for name, item in value.items() if name != "documentation"}
    return [undocumented(item) for item in value] if isinstance(value, list) else value


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=HERE, help="folder to write; the default is this one")
    parser.add_argument("--collectors", type=pathlib.Path, default=COLLECTORS, help="folder of collectors to read")
    parser.add_argument("--operations", type=pathlib.Path, default=HERE / "operations.toml", help="list to read")
    arguments = parser.parse_args()
    loader = Loader()
    services, additions = wanted(arguments.operations, arguments.collectors)
    for service, operations in sorted(services.items()):
        model = trim_service(loader, service, operations, additions)
        write(arguments.output / f"{service}.json", by_lines(model))
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        write(arguments.output / "endpoints" / f"{service}.json", compact(undocumented(rules)) + "\n")
    partitions = loader.load_data("partitions")
    write(arguments.output / "endpoints" / "partitions.json", json.dumps(partitions, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        sys.exit(f"trim.py: {refusal}")
