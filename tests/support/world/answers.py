"""Answers that do not come from moto: errors and outputs in the protocol of the service that was asked."""

import datetime
import html
import json
from typing import Any, NamedTuple

from moto.core import serialize

from . import clock
from .calls import Call, model

REQUEST_ID = "4f1c0e2a-0000-4000-8000-70726f6f6670"


class Answer(NamedTuple):
    """An HTTP answer; status 0 means that the connection is closed without one."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    #: A length that the headers announce and the body does not have; the connection is closed after the body.
    announced: int | None = None


CLOSED = Answer(0, [], b"")


def error(call: Call, code: str, message: str, status: int = 400) -> Answer:
    """An error as the service would write it."""
    try:
        protocol = model(call.service).metadata["protocol"]
    except Exception:  # a service without a model: JSON is as good as any
        protocol = "json"
    text = html.escape(message, quote=False)
    if protocol == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
            f"<RequestID>{REQUEST_ID}</RequestID></Response>"
        )
    elif call.service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{text}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
    elif protocol in ("query", "rest-xml"):
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
    else:
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
        return Answer(status, [*headers, ("x-amzn-RequestId", REQUEST_ID)], json.dumps({"__type": code, "message": message}).encode())
    headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", REQUEST_ID)]
    return Answer(status, headers, ('<?xml version="1.0" encoding="UTF-8"?>\n' + body).encode())


def output(call: Call, value: dict[str, Any]) -> Answer:
    """A successful answer from the parsed output that a client shall see."""
    operation = model(call.service).operation_model(call.operation)
    if (call.service, call.operation) == ("s3", "GetBucketLocation"):
        # The one answer of S3 whose root is the member itself; the model does not say so.
        place = html.escape(value.get("LocationConstraint") or "", quote=False)
        body = f'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{place}</LocationConstraint>'
        return Answer(200, [("Content-Type", "application/xml"), ("x-amz-request-id", REQUEST_ID)], body.encode())
    if operation.output_shape is not None:
        value = _fit(operation.output_shape, value)
    metadata = model(call.service).metadata
    offered = [metadata["protocol"], *metadata.get("protocols", [])]
    if call.target and "json" in offered:
        offered.insert(0, "json")
    if call.path.startswith("/service/"):
        offered.insert(0, "smithy-rpc-v2-cbor")
    protocol = next(name for name in offered if name in serialize.SERIALIZERS)
    serializer = serialize.get_serializer_class(call.service, protocol)
    answer = serializer(operation, serialize.SerializationContext(REQUEST_ID)).serialize(value)
    body = answer["body"] or b""
    headers = [(name, str(text)) for name, text in answer["headers"].items()]
    return Answer(answer["status_code"], headers, body.encode() if isinstance(body, str) else body)


def _fit(shape: Any, value: Any) -> Any:
    """Fits JSON values to the model: RFC 3339 strings become times, documents strings; unknown members are dropped."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {name: _fit(shape.members[name], member) for name, member in value.items() if name in shape.members}
    if kind == "list" and isinstance(value, list):
        return [_fit(shape.member, member) for member in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _fit(shape.value, member) for name, member in value.items()}
    if kind == "timestamp":
        moment = value if isinstance(value, datetime.datetime) else clock.parse(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
    if kind == "string" and isinstance(value, (dict, list)):
        return json.dumps(value)
    if kind == "blob" and isinstance(value, str):
        return value.encode()
    return value
