"""Which operation of which service an HTTP request is: out of its signature's scope, target, action or route."""

import functools
import io
import os
import re
import urllib.parse
from dataclasses import dataclass
from typing import Any

from botocore.loaders import Loader
from moto.core.model import ServiceModel
from moto.iam.models import get_account_id_from

LOADER = Loader()

# Signing names under which more than one service hides, or one with another name; the others are their own.
SERVICES_OF_SIGNING_NAME: dict[str, tuple[str, ...]] = {
    "elasticloadbalancing": ("elbv2", "elb"),
    "monitoring": ("cloudwatch",),
    "elasticfilesystem": ("efs",),
    "email": ("sesv2", "ses"),
    "ses": ("sesv2", "ses"),
    "tagging": ("resourcegroupstaggingapi",),
}

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


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
    host: str = ""

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


@functools.lru_cache(64)
def model(service: str) -> ServiceModel:
    """botocore's model of a service, in moto's dress."""
    return ServiceModel(LOADER.load_service_model(service, "service-2"), service_name=service)


@functools.lru_cache(64)
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
        pattern = re.sub(r"\{\w+(\+?)\}", lambda match: "(.+)" if match.group(1) else "([^/]+)", path)
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
    path = environ.get("PATH_INFO") or "/"
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
            score = (len(route.literals) + len(route.required), len(route.path))
            if best is None or score > best[0]:
                best = (score, service, route.operation)
    return (best[1], best[2]) if best else (services[0], None)


def _operation(environ: dict[str, Any], signing_name: str, body: bytes, query: dict[str, list[str]]) -> tuple[str, str | None]:
    services = SERVICES_OF_SIGNING_NAME.get(signing_name, (signing_name,))
    if signing_name == "s3":
        # s3control is signed as s3; its paths begin with the API's version.
        control = (environ.get("PATH_INFO") or "").startswith("/v20180820/")
        services = ("s3control",) if control else ("s3",)
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return services[0], target.rsplit(".", 1)[-1]
    if "x-www-form-urlencoded" in (environ.get("CONTENT_TYPE") or "") and b"Action=" in body:
        form = urllib.parse.parse_qs(body.decode("utf-8", "replace"))
        version = form.get("Version", [""])[0]
        fitting = [name for name in services if model(name).metadata.get("apiVersion") == version]
        return (fitting or list(services))[0], form["Action"][0]
    return _by_route(services, environ, query)


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
        host=environ.get("HTTP_HOST") or "",
    )


def read_body(environ: dict[str, Any]) -> bytes:
    """Takes a request's body and leaves it for the next reader."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
    body = environ["wsgi.input"].read(length) if length else (environ["wsgi.input"].read() if chunked else b"")
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return body
