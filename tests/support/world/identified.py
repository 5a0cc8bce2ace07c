"""Holds `calls.identify` against botocore: every operation of the trimmed models is signed and sent into it.

    python -m world.identified [SERVICE ...]       services: all reading operations of these instead
"""

import io
import json
import re
import sys
import urllib.parse
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.model import ServiceModel

from .builder import HOME, client
from .calls import LOADER, identify
from .specimens import MODELS, arguments

def environ_of(request: Any) -> dict[str, Any]:
    """What a server would make of a request that botocore is about to send."""
    url = urllib.parse.urlsplit(request.url)
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
    headers = {f"HTTP_{name.upper().replace('-', '_')}": text.decode() if isinstance(text, bytes) else str(text) for name, text in request.headers.items()}
    return {
        **headers,
        "CONTENT_TYPE": headers.get("HTTP_CONTENT_TYPE", ""),
        "REQUEST_METHOD": request.method,
        "PATH_INFO": urllib.parse.unquote(url.path),
        "REQUEST_URI": url.path + (f"?{url.query}" if url.query else ""),
        "QUERY_STRING": url.query,
        "wsgi.input": io.BytesIO(body),
        "body": body,
    }


def wanted(services: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Services and operations to try."""
    if services:
        for service in services:
            model = ServiceModel(LOADER.load_service_model(service, "service-2"))
            yield service, [name for name in model.operation_names if re.match("Get|List|Describe", name)]
        return
    for path in sorted(MODELS.glob("*.json")):
        yield path.stem, sorted(json.loads(path.read_text(encoding="utf-8"))["operations"])


def main() -> int:
    """Names what was taken for something else."""
    problems, count = [], 0
    for service, operations in wanted(sys.argv[1:]):
        made = client("http://127.0.0.1:1", service, HOME)
        seen: list[Any] = []

        def keep(request: Any, seen: list[Any] = seen, **_: Any) -> AWSResponse:
            seen[:] = [request]
            return AWSResponse(request.url, 500, {}, io.BytesIO())

        made.meta.events.register_last("before-send", keep)
        names = {made.meta.service_model.operation_model(name).name: name for name in operations}
        for operation in names:
            try:
                made._make_api_call(operation, arguments(service, operation))
            except Exception as problem:  # every call fails by design; one that was never sent is reported below
                failure = problem
            if not seen:
                problems.append(f"{service} {operation} could not be sent: {failure}")
                continue
            environ = environ_of(seen.pop())
            call = identify(environ, environ["body"])
            count += 1
            if call is None or (call.service, call.operation) != (service, operation):
                problems.append(f"{service} {operation} is taken for {call and (call.service, call.operation)}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{count} operations, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
