"""Random answers for every operation, and what botocore's parsers make of them: one JSON line per case.

    python fuzz.py MODELS SEED ROUNDS

MODELS is a folder of trimmed models. Each case has one to three pages (as many as the operation's paginator
allows); `expected` is what botocore's paginator merges out of them, or the error's code.
"""

import base64
import datetime
import html
import json
import pathlib
import random
import string
import sys

from botocore import handlers, parsers
from botocore.awsrequest import HeadersDict
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.paginate import Paginator

TEXTS = ["", "a", " leading", "trailing ", "a&b<c>\"d'", "ÄÖ€😀", "null", "true", "0", "%7B%7D", "line\nbreak", "]]>", "{}"]
UTC = datetime.timezone.utc
NULL = object()


class Maker:
    """Random values of a shape, and their form on the wire."""

    def __init__(self, chance, protocol):
        self.chance = chance
        self.protocol = protocol
        self.json = protocol in ("json", "rest-json")

    def value(self, shape, depth=0):
        kind, chance = shape.type_name, self.chance
        if kind == "structure":
            names = [name for name in shape.members if chance.random() < (0.7 if depth < 6 else 0)]
            if getattr(shape, "is_tagged_union", False):
                names = [chance.choice(list(shape.members))]
            return {name: self.value(shape.members[name], depth + 1) for name in names}
        if kind == "list":
            return [self.value(shape.member, depth + 1) for _ in range(chance.choice((0, 1, 1, 2, 3)) if depth < 6 else 0)]
        if kind == "map":
            count = chance.choice((0, 1, 2)) if depth < 6 else 0
            return {f"key{n}{self.word()}": self.value(shape.value, depth + 1) for n in range(count)}
        if kind == "timestamp":
            return chance.choice((0, 1, 1_600_000_000, 951_782_400, 4_102_444_799, 1_600_000_000.5, 1_714_521_600.25))
        if kind == "boolean":
            return chance.random() < 0.5
        if kind == "integer":
            return chance.choice((0, 1, -1, 7, 2**31 - 1, -(2**31)))
        if kind == "long":
            return chance.choice((0, 1, -1, 2**31, 2**53, -(2**53), 2**63 - 1))
        if kind in ("float", "double"):
            return chance.choice((0.0, 1.5, -2.25, 1e10, 0.1, 123456.789))
        if kind == "blob":
            return bytes(chance.randrange(256) for _ in range(chance.randrange(6)))
        return self.word()

    def word(self):
        letters = string.ascii_letters + string.digits + "-_/:. "
        if self.chance.random() < 0.3:
            return self.chance.choice(TEXTS)
        return "".join(self.chance.choice(letters) for _ in range(self.chance.randrange(1, 12)))

    def time(self, value, form):
        moment = datetime.datetime.fromtimestamp(value, UTC)
        if form == "rfc822":
            return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
        if form == "iso8601":
            return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06}" if moment.microsecond else "") + "Z"
        return value

    # JSON

    def to_json(self, shape, value):
        kind = shape.type_name
        if kind == "structure":
            pairs = []
            for name, item in value.items():
                member = shape.members[name]
                pairs.append((member.serialization.get("name", name), self.to_json(member, item)))
            if not getattr(shape, "is_tagged_union", False) and self.chance.random() < 0.2:
                pairs.append((f"Unknown{self.chance.randrange(9)}", self.chance.choice(([], {"a": [1, None]}, None, "x", 1.5))))
                absent = [name for name in shape.members if name not in value]
                if absent:
                    name = self.chance.choice(absent)
                    pairs.append((shape.members[name].serialization.get("name", name), None))
            self.chance.shuffle(pairs)
            return dict(pairs)
        if kind == "list":
            return [self.to_json(shape.member, item) for item in value]
        if kind == "map":
            return {key: self.to_json(shape.value, item) for key, item in value.items()}
        if kind == "timestamp":
            return self.time(value, shape.serialization.get("timestampFormat", "unixTimestamp"))
        if kind == "blob":
            return base64.b64encode(value).decode()
        return value

    def dump(self, value):
        spaced = self.chance.random() < 0.5
        return json.dumps(value, ensure_ascii=self.chance.random() < 0.5, indent=2 if spaced else None).encode()

    # XML

    def element(self, name, content, attributes=""):
        if not content and self.chance.random() < 0.5:
            return f"<{name}{attributes}/>"
        return f"<{name}{attributes}>{content}</{name}>"

    def text(self, value):
        if self.chance.random() < 0.1 and "]]>" not in value:
            return f"<![CDATA[{value}]]>"
        return html.escape(value, quote=self.chance.random() < 0.5)

    def members(self, shape, value):
        parts, attributes = [], ""
        for name, item in value.items():
            member = shape.members[name]
            wire = member.serialization.get("name", name)
            if member.serialization.get("xmlAttribute"):
                attributes += f' {wire}="{html.escape(str(item))}"'
                continue
            parts.append(self.named(member, wire, item))
        if self.chance.random() < 0.2:
            parts.append("<UnknownThing><a>1</a><b/></UnknownThing>")
        self.chance.shuffle(parts)
        glue = self.chance.choice(("", "\n  ", "<!-- note -->"))
        return glue.join(parts), attributes

    def named(self, shape, name, value):
        """The element or, where it is flattened, the elements of a member."""
        kind = shape.type_name
        if kind == "list":
            if shape.serialization.get("flattened"):
                # the member's own name; only SimpleDB names flattened elements after their shape
                return "".join(self.named(shape.member, name, item) for item in value)
            inner = shape.member.serialization.get("name", "member")
            return self.element(name, "".join(self.named(shape.member, inner, item) for item in value))
        if kind == "map":
            keys = shape.key.serialization.get("name", "key")
            values = shape.value.serialization.get("name", "value")
            entries = []
            for key, item in value.items():
                entry = self.element(keys, self.text(key)) + self.named(shape.value, values, item)
                entries.append(entry)
            if shape.serialization.get("flattened"):
                return "".join(f"<{name}>{entry}</{name}>" for entry in entries)
            return self.element(name, "".join(f"<entry>{entry}</entry>" for entry in entries))
        if kind == "structure":
            content, attributes = self.members(shape, value)
            prefix = attributes and ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
            return self.element(name, content, prefix + attributes)
        return self.element(name, self.text(self.scalar(shape, value)))

    def scalar(self, shape, value, timestamps="iso8601"):
        kind = shape.type_name
        if kind == "boolean":
            return "true" if value else "false"
        if kind == "timestamp":
            return str(self.time(value, shape.serialization.get("timestampFormat", timestamps)))
        if kind == "blob":
            return base64.b64encode(value).decode()
        return str(value)

    # Answers

    def answer(self, operation, value):
        shape = operation.output_shape
        headers, status, body = {}, 200, b""
        if self.protocol == "json":
            body = self.dump(self.to_json(shape, value))
        elif self.protocol in ("query", "ec2"):
            content = self.members(shape, value)[0]
            wrapper = shape.serialization.get("resultWrapper")
            if self.protocol == "query" and wrapper:
                content = f"<{wrapper}>{content}</{wrapper}>"
                content += "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
            elif self.protocol == "ec2":
                content = "<requestId>r-1</requestId>" + content
            name = operation.name
            body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}Response xmlns="http://x/">{content}</{name}Response>'.encode()
        else:
            inside = {}
            for name, item in value.items():
                member = shape.members[name]
                location = member.serialization.get("location")
                wire = member.serialization.get("name", name)
                if location == "header":
                    headers[wire] = self.scalar(member, item, "rfc822").strip() or "x"
                    headers[wire] = headers[wire].replace("\n", " ").encode("ascii", "replace").decode()
                elif location == "statusCode":
                    status = 200
                elif location != "headers":
                    inside[name] = item
            body = self.rest_body(operation, shape, inside)
        return {"status": status, "headers": headers, "body": body}

    def rest_body(self, operation, shape, inside):
        payload = shape.serialization.get("payload")
        if payload:
            member = shape.members[payload]
            if payload not in inside:
                inside[payload] = self.value(member)
            if member.type_name == "string":
                return inside[payload].encode()
            if member.type_name == "blob":
                return inside[payload]
            if self.json:
                return self.dump(self.to_json(member, inside[payload]))
            name = member.serialization.get("name", member.name)
            return b"<?xml version='1.0'?>" + self.named(member, name, inside[payload]).encode()
        if self.json:
            class Inside:
                type_name, members = "structure", shape.members
            return self.dump(self.to_json(Inside, inside))
        return f'<{operation.name}Result xmlns="http://x/">{self.members(shape, inside)[0]}</{operation.name}Result>'.encode()


def set_path(value, path, new):
    *parents, last = path.split(".")
    for parent in parents:
        value = value.setdefault(parent, {})
    if new is NULL:
        value.pop(last, None)
    else:
        value[last] = new


def as_list(value):
    return value if isinstance(value, list) else [value]


def required(shape, depth=0):
    """Parameters that the operation insists on."""
    kind = shape.type_name
    if kind == "structure":
        names = shape.required_members if depth < 4 else []
        return {name: required(shape.members[name], depth + 1) for name in names}
    if kind == "list":
        return [required(shape.member, depth + 1)]
    if kind in ("integer", "long"):
        return 1
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return "2026-01-02T03:04:05Z"
    if kind == "map":
        return {}
    return {"AccountId": "123456789012", "BucketName": "a-bucket"}.get(shape.name, "x-1")


def plain(value):
    """Parsed values as the AWS CLI prints them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def parse(parser, operation, answer):
    response = {
        "body": answer["body"],
        "headers": HeadersDict(answer["headers"]),
        "status_code": answer["status"],
        "context": {"operation_name": operation.name},
    }
    return parser.parse(response, operation.output_shape)


def pages_of(maker, operation, paginator):
    count = maker.chance.choice((1, 1, 2, 3)) if paginator else 1
    pages = []
    for page in range(count):
        value = maker.value(operation.output_shape) if operation.output_shape else {}
        if paginator:
            for expression in as_list(paginator["output_token"]):
                token = NULL if page == count - 1 else f"token-{page}-{maker.word().strip()}"
                set_path(value, expression.split("||")[0].strip(), token)
            if "more_results" in paginator:
                set_path(value, paginator["more_results"], page < count - 1)
        pages.append(maker.answer(operation, value) if operation.output_shape else {"status": 200, "headers": {}, "body": b""})
    return pages


def error_case(maker, operation):
    code, message = maker.chance.choice(("AccessDenied", "NoSuchThing", "Some.Dotted.Code")), maker.word() or "m"
    if maker.json:
        prefix = maker.chance.choice(("", "com.amazonaws.thing#"))
        body = maker.dump({"__type": prefix + code, maker.chance.choice(("message", "Message")): message})
    else:
        error = f"<Error><Code>{code}</Code><Message>{html.escape(message)}</Message></Error>"
        if maker.protocol == "ec2":
            body = f"<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>".encode()
        elif maker.protocol == "query":
            body = f'<ErrorResponse xmlns="http://x/">{error}<RequestId>r-1</RequestId></ErrorResponse>'.encode()
        elif operation.service_model.service_name == "s3":
            body = error.encode()
        else:
            body = f"<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>".encode()
    return {"status": maker.chance.choice((400, 403, 404)), "headers": {}, "body": body}


def cases(service, model, trimmed, chance, rounds):
    metadata = trimmed["metadata"]
    # The first that the client speaks, as it chooses itself (src/aws/model/service.rs).
    protocol = next(name for name in metadata.get("protocols", [metadata["protocol"]]) if "cbor" not in name)
    for name in trimmed["operations"]:
        operation = model.operation_model(name)
        paginator = trimmed["pagination"].get(name)
        parameters = required(operation.input_shape) if operation.input_shape else {}
        for turn in range(rounds):
            maker = Maker(chance, protocol)
            parser = parsers.create_parser(protocol)
            case = {"service": service, "protocol": protocol, "operation": name, "parameters": parameters}
            if turn == 0:
                answers = [error_case(maker, operation)]
                case["code"] = parse(parser, operation, answers[0])["Error"]["Code"]
            elif name == "GetBucketLocation":
                place = chance.choice(("eu-west-1", "EU", ""))
                answers = [{"status": 200, "headers": {}, "body": f'<LocationConstraint xmlns="http://x/">{place}</LocationConstraint>'.encode()}]
                case["expected"] = {"LocationConstraint": place or None}
            else:
                answers = pages_of(maker, operation, paginator)
                parsed = [parse(parser, operation, answer) for answer in answers]
                if service == "iam":
                    for page in parsed:
                        handlers.json_decode_policies(page, operation)
                if paginator:
                    left = iter(parsed)
                    whole = Paginator(lambda **_: next(left), paginator, operation).paginate().build_full_result()
                else:
                    whole = parsed[0]
                case["expected"] = plain(whole)
            for answer in answers:
                answer["body"] = base64.b64encode(answer["body"]).decode()
            yield case | {"answers": answers}


def main(folder, seed, rounds):
    loader = Loader()
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        chance = random.Random(f"{seed} {path.stem}")
        model = ServiceModel(loader.load_service_model(path.stem, "service-2"), service_name=path.stem)
        for case in cases(path.stem, model, json.loads(path.read_text()), chance, rounds):
            print(json.dumps(case))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
