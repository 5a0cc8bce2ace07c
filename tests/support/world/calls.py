"""Which operation of which service an HTTP request is: out of its signature's scope, target, action or route."""

import functools
import gzip
import io
import json
import os
import re
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.loaders import Loader
from moto.core.model import ServiceModel
from moto.iam.models import get_account_id_from

LOADER = Loader()

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
CBOR_PATH = re.compile(r"^/service/([^/]+)/operation/([^/]+)$")


@dataclass(frozen=True)
class Call:
    """One request, as the rest of the server looks at it."""

    signing_name: str
    region: str
    account: str
    service: str
    operation: str | None
    method: str
    path: str
    query: str
    body: bytes
    #: What the JSON protocols say instead of a path: `X-Amz-Target`, or nothing.
    target: str
    #: The path as it came over the wire, still encoded.
    raw_path: str
    content_type: str = ""

    @property
    def reads(self) -> bool:
        """Whether the operation only reads."""
        return bool(re.match(r"Get|List|Describe|Lookup|Head|Generate", self.operation or ""))

    @property
    def bucket(self) -> str:
        """The bucket of a path-style S3 request."""
        return urllib.parse.unquote(self.path).lstrip("/").partition("/")[0]


@dataclass(frozen=True)
class Route:
    """One operation of a REST service."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    literals: dict[str, str | None]
    required: tuple[str, ...]
    path: str

    def labels(self, path: str) -> dict[str, str]:
        """What a path, still encoded, says in the places of the route."""
        found = self.pattern.match(path)
        names = re.findall(r"\{([^}+]+)\+?\}", self.path)
        return dict(zip(names, map(urllib.parse.unquote, found.groups()))) if found else {}

    @property
    def weight(self) -> int:
        """How much of the path is given: `/rules/list` is more than `/rules/{RuleIdentifier}`."""
        return len(re.sub(r"\{[^}]+\}", "", self.path))


@dataclass(frozen=True)
class Service:
    """What tells one service under a signing name from the others."""

    name: str
    api_version: str
    target_prefix: str
    #: Whether its operations are told apart by method and path.
    rests: bool


@functools.cache
def services_of(signing_name: str) -> tuple[Service, ...]:
    """The services that are signed under a name, first the one that is called like it; empty for an unknown name."""
    return _services_by_signing_name().get(signing_name, ())


@functools.cache
def _services_by_signing_name() -> dict[str, tuple[Service, ...]]:
    """Out of the metadata of botocore's models; their operations are left unread, for there are 400 of them."""
    found: dict[str, list[Service]] = {}
    for name in LOADER.list_available_services("service-2"):
        metadata = _metadata(name)
        service = Service(name, metadata["apiVersion"], metadata.get("targetPrefix", ""), metadata["protocol"].startswith("rest-"))
        found.setdefault(metadata.get("signingName") or metadata["endpointPrefix"], []).append(service)
    return {name: tuple(sorted(some, key=lambda one: (one.name != name, one.name))) for name, some in found.items()}


def _metadata(service: str) -> dict[str, Any]:
    version = LOADER.determine_latest_version(service, "service-2")
    for folder in LOADER.search_paths:
        file = Path(folder, service, version, "service-2.json.gz")
        if file.exists():
            with gzip.open(file, "rt", encoding="utf-8") as text:
                beginning = re.search(r'"metadata"\s*:\s*', head := text.read(8192))
            if beginning:
                metadata: dict[str, Any] = json.JSONDecoder().raw_decode(head, beginning.end())[0]
                return metadata
    whole: dict[str, Any] = LOADER.load_service_model(service, "service-2")["metadata"]
    return whole


def model(service: str) -> ServiceModel:
    """botocore's model of a service, in moto's dress."""
    found = _MODELS.get(service)
    if found is None:
        # Some models take a second to read: not once for every thread that asks at the same time.
        with _READING:
            found = _MODELS.get(service) or _MODELS.setdefault(service, _read_model(service))
    return found


_MODELS: dict[str, ServiceModel] = {}
_READING = threading.Lock()


def _read_model(service: str) -> ServiceModel:
    return ServiceModel(LOADER.load_service_model(service, "service-2"), service_name=service)


@functools.cache
def routes(service: str) -> list[Route]:
    """The routes of a REST service; deprecated operations share theirs with their successors and are left out."""
    found = []
    for operation, description in model(service)._service_description["operations"].items():
        if description.get("deprecated"):
            continue
        path, _, query = description["http"]["requestUri"].partition("?")
        literals: dict[str, str | None] = {}
        for pair in filter(None, query.split("&")):
            name, equals, value = pair.partition("=")
            literals[name] = value if equals else None
        parts = re.split(r"\{[^}]+?(\+?)\}", path)
        pattern = "".join(("(.+)" if part else "([^/]+)") if place % 2 else re.escape(part) for place, part in enumerate(parts))
        shape = model(service).operation_model(operation).input_shape
        required = []
        for name in shape.required_members if shape is not None else []:
            place = shape.members[name].serialization
            if place.get("location") == "querystring":
                required.append(place.get("name", name))
        compiled = re.compile(f"^{pattern}/?$")
        found.append(Route(operation, description["http"]["method"], compiled, literals, tuple(required), path))
    return found


def _by_route(services: tuple[str, ...], environ: dict[str, Any], query: dict[str, list[str]]) -> tuple[str, str | None]:
    path = _raw_path(environ)
    best: tuple[tuple[int, int], str, str] | None = None
    for service in services:
        for route in routes(service):
            if route.method != environ["REQUEST_METHOD"] or not route.pattern.match(path):
                continue
            copies = "HTTP_X_AMZ_COPY_SOURCE" in environ
            if service == "s3" and route.method == "PUT" and ("Copy" in route.operation) != copies and "{Key+}" in route.path:
                continue
            if any(name not in query or (value is not None and query[name] != [value]) for name, value in route.literals.items()):
                continue
            if any(name not in query for name in route.required):
                continue
            score = (len(route.literals) + len(route.required), route.weight)
            if best is None or score > best[0]:
                best = (score, service, route.operation)
    return (best[1], best[2]) if best else (services[0], None)


def _raw_path(environ: dict[str, Any]) -> str:
    """The path as it came over the wire: an ARN in it keeps its slashes encoded."""
    return (environ.get("REQUEST_URI") or environ.get("PATH_INFO") or "/").partition("?")[0]


def _operation(environ: dict[str, Any], signing_name: str, body: bytes, query: dict[str, list[str]]) -> tuple[str, str | None]:
    services = services_of(signing_name)
    if signing_name == "s3":
        # The paths of s3control begin with the API's version; to s3's routes that looks like a bucket.
        control = _raw_path(environ).startswith("/v20180820/")
        services = tuple(service for service in services if (service.name == "s3control") == control)
    if not services:
        return signing_name, None
    target = environ.get("HTTP_X_AMZ_TARGET") or ""
    cbor = CBOR_PATH.match(_raw_path(environ))
    if target or cbor:
        prefix, operation = cbor.groups() if cbor else target.rpartition(".")[::2]
        return _first(services, lambda service: service.target_prefix == prefix), operation
    if "x-www-form-urlencoded" in (environ.get("CONTENT_TYPE") or "") and b"Action=" in body:
        form = urllib.parse.parse_qs(body.decode("utf-8", "replace"))
        version = form.get("Version", [""])[0]
        return _first(services, lambda service: service.api_version == version), form["Action"][0]
    resting = tuple(service.name for service in services if service.rests)
    return _by_route(resting, environ, query) if resting else (services[0].name, None)


def _first(services: tuple[Service, ...], fits: Callable[[Service], bool]) -> str:
    return next((service.name for service in services if fits(service)), services[0].name)


def identify(environ: dict[str, Any], body: bytes) -> Call | None:
    """The call that a signed request makes; None for an unsigned one."""
    credential = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION") or "")
    if not credential:
        return None
    access_key, region, signing_name = credential.groups()
    query_text = environ.get("QUERY_STRING") or ""
    query = urllib.parse.parse_qs(query_text, keep_blank_values=True)
    try:
        service, operation = _operation(environ, signing_name, body, query)
    except Exception:  # a service that botocore does not know, or a broken request: moto shall answer it
        service, operation = signing_name, None
    account = environ.get("HTTP_X_MOTO_ACCOUNT_ID") or os.environ.get("MOTO_ACCOUNT_ID") or get_account_id_from(access_key)
    return Call(
        signing_name=signing_name,
        region=region,
        account=account,
        service=service,
        operation=operation,
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO") or "/",
        query=query_text,
        body=body,
        target=environ.get("HTTP_X_AMZ_TARGET") or "",
        raw_path=_raw_path(environ),
        content_type=environ.get("CONTENT_TYPE") or "",
    )


def read_body(environ: dict[str, Any]) -> bytes:
    """Takes a request's body and leaves it for the next reader."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
    body = environ["wsgi.input"].read(length) if length else (environ["wsgi.input"].read() if chunked else b"")
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return body
