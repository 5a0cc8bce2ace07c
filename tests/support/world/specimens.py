"""Specimens: an answer to any operation, made out of the model of its output.

Every member is there, every list has an element, and what names a thing is the same wherever the thing is named: a
`ClusterName`, the `Name` of a `Cluster` and one of `clusterNames` are all `cluster-1`. So the calls that follow from an
answer are made, and their answers belong to what they were asked about. What a name does not tell stands in specimens.toml.
"""

import functools
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS
from werkzeug.datastructures import MultiDict

from .answers import Answer, output
from .calls import LOADER, Call, model, routes

MODELS = Path(__file__).parents[3] / "evidence-schemas/aws"
#: The token of the page that follows; nothing else in a request looks like it.
PAGE_TOKEN = "specimen-page-"
#: Stands where a call needs a text: with everything that a path has to encode.
TEXT = "arn:aws:thing:us-east-1:123456789012:some/thing-1-with-a-name-that-is-long-enough"
ARGUMENTS = {"Bucket": "some-bucket", "AccountId": "123456789012"}
#: What says that there are more pages, or how to get them, where no paginator names it.
CONTINUES = re.compile(r"(next_?)?(token|marker|page_?token)|(continuation|pagination)_?token|(is|results)?_?truncated|has_?more\w*", re.IGNORECASE)
MOMENT = "2026-01-02T03:04:05Z"
#: Endings of a structure's name that do not belong to what it describes.
DRESS = re.compile(r"(Summary|Summaries|Details?|Description|ListEntry|Entry|ListItem|Item|Status|Info|Information|Metadata|Type|Output|Response|Result|List|Data|V2)$")
#: Endings of a member's name that say how the thing is named.
NAMING = re.compile(r"(?i:identifier|arn|name)s?$|(Ids?|id|ids)$|(?i:url)s?$")
VERB = re.compile(r"^(Get|List|Describe|BatchGet|Lookup|Generate|Search)")


@dataclass(frozen=True)
class Settings:
    """How specimens are made."""

    #: Elements of an answer's lists (lists within them have one).
    elements: int = 1
    #: Whether paginated answers come in pages of one element, with an empty page after the first.
    paged: bool = False


class Rules:
    """specimens.toml."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.answers: dict[str, Any] = content.get("answers", {})
        self.members: dict[str, Any] = content.get("members", {})
        self.names = [(re.compile(rule["member"]), rule["value"]) for rule in content.get("name", [])]


@functools.cache
def rules() -> Rules:
    """The exceptions, read once."""
    return Rules(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))


@functools.cache
def paginators(service: str) -> dict[str, Any]:
    """How the operations of a service are paginated: botocore's paginators, and those that the trimmed models add."""
    try:
        found: dict[str, Any] = LOADER.load_service_model(service, "paginators-1")["pagination"]
    except UnknownServiceError:  # the service has none
        found = {}
    trimmed = MODELS / f"{service}.json"
    return found | (json.loads(trimmed.read_text(encoding="utf-8"))["pagination"] if trimmed.exists() else {})


def answer(call: Call, settings: Settings) -> Answer | None:
    """The specimen that answers a call; None where the model has no such operation."""
    if call.operation is None or call.operation not in model(call.service).operation_names:
        return None
    return output(call, page(call, value(call, settings), settings))


def value(call: Call, settings: Settings) -> dict[str, Any]:
    """The parsed output."""
    name = f"{call.service}:{call.operation}"
    fixed = rules().answers.get(name)
    if fixed is not None:
        filled: dict[str, Any] = _fill(fixed, call, 1)
        return filled
    operation = model(call.service).operation_model(call.operation)
    if operation.output_shape is None:
        return {}
    made: dict[str, Any] = _Maker(call, settings, rules().members.get(name, {})).structure(operation.output_shape, "", 1, ())
    return made


class _Maker:
    def __init__(self, call: Call, settings: Settings, members: dict[str, Any]) -> None:
        self.call = call
        self.settings = settings
        self.members = members
        self.asked = {name.lower(): told for name, told in parameters(call).items()}
        self.subject = noun(VERB.sub("", call.operation or ""))
        self.number = next((int(number) for told in self.asked.values() if isinstance(told, str) for number in re.findall(r"-(\d)$", told)), 1)

    def make(self, shape: Any, place: str, name: str, owner: str, index: int | None, within: tuple[str, ...]) -> Any:
        """A value of a shape; None where it has to be left out."""
        told = self.members.get(place)
        if told == "{absent}":
            return None
        if told is not None:
            return _fill(told, self.call, index or self.number)
        match shape.type_name:
            case "structure":
                if getattr(shape, "is_document_type", False):
                    return {"specimen": True}
                if shape.name in within:
                    return None
                return self.structure(shape, place, index, (*within, shape.name))
            case "list":
                return self.list_of(shape, place, name, owner, index, within)
            case "map":
                key = self.make(shape.key, f"{place}.key", singular(name), owner, index, within)
                member = self.make(shape.value, f"{place}.{key}", singular(name), owner, index, within)
                return None if member is None else {key: member}
            case "string":
                return self.string(shape, name, owner, index)
            case "integer" | "long":
                return 200 if shape.serialization.get("location") == "statusCode" else max(shape.metadata.get("min", 1), 1)
            case "boolean":
                return True
            case "timestamp":
                return MOMENT
            case "blob":
                return "specimen"
            case _:
                return 0.5

    def structure(self, shape: Any, place: str, index: int | None, within: tuple[str, ...]) -> dict[str, Any]:
        """All members, or the first one of a union."""
        index = None if not place else index
        made: dict[str, Any] = {}
        owner = noun(_undressed(shape.name)) if place else self.subject
        for name, member in shape.members.items():
            continues = CONTINUES.fullmatch(name)
            if continues and member.type_name in ("string", "boolean") and f"{place}.{name}".lstrip(".") not in self.members:
                if member.type_name == "boolean" and name in shape.required_members:
                    made[name] = False
                continue
            found = self.make(member, f"{place}.{name}".lstrip("."), name, owner, index, within)
            if found is not None:
                made[name] = found
                if getattr(shape, "is_tagged_union", False):
                    break
        return made

    def list_of(self, shape: Any, place: str, name: str, owner: str, index: int | None, within: tuple[str, ...]) -> list[Any]:
        """As many elements as are wanted, or as were asked about."""
        if index is not None:
            numbers = [index]
        else:
            numbers = self.asked_about() or list(range(1, self.settings.elements + 1))
        made = [self.make(shape.member, place + "[]", singular(name), owner, number, within) for number in numbers]
        return [element for element in made if element is not None]

    def asked_about(self) -> list[int]:
        """The numbers in a list of names that the call was made with."""
        for told in self.asked.values():
            if isinstance(told, list) and told and all(isinstance(element, str) and re.search(r"-\d$", element) for element in told):
                return [int(element[-1]) for element in told]
        return []

    def string(self, shape: Any, name: str, owner: str, index: int | None) -> str:
        """A text as its name lets expect it."""
        number = index or self.number
        full = f"{owner}.{name}"
        for pattern, told in rules().names:
            if pattern.fullmatch(full) or pattern.fullmatch(name):
                text: str = _fill(told, self.call, number)
                return text
        echoed = self.echo(name, index)
        if echoed is not None:
            return echoed
        if shape.enum:
            return str(shape.enum[0])
        thing = noun(name) or owner
        if re.search(r"(?i)arn$", name):
            return f"arn:aws:{self.call.service}:{self.call.region}:{self.call.account}:{thing}/{thing}-{number}"
        if re.search(r"(?i)(url|uri|endpoint)$", name):
            return f"https://specimen.example.com/{self.call.account}/{thing}-{number}"
        if re.search(r"(Time|Date|Timestamp|At|_time|time|_date)$", name):
            return MOMENT
        if re.search(r"(?i)region$", name):
            return self.call.region
        if re.search(r"(?i)(account|accountid|ownerid|owneraccount)$", name):
            return self.call.account
        return f"{thing}-{number}"

    def echo(self, name: str, index: int | None) -> str | None:
        """What the call was asked about, where the answer names it again."""
        told = self.asked.get(name.lower())
        if isinstance(told, str) and (index is None or noun(name)):
            return told
        many = self.asked.get(name.lower() + "s")
        if isinstance(many, list) and many and isinstance(many[0], str):
            return next((element for element in many if element.endswith(f"-{index}")), many[0])
        return None


def singular(name: str) -> str:
    """`Policies` is many of `Policy`."""
    if re.search(r"[a-z]ies$", name):
        return name[:-3] + "y"
    if re.search(r"(ss|sh|ch|x)es$", name):
        return name[:-2]
    if re.search(r"[a-rt-z]s$|ARNs$|Ids$", name) and not name.endswith("us"):
        return name[:-1]
    return name


def noun(name: str) -> str:
    """What a name names, in small letters: `ClusterArns` is about a `cluster`. Empty for `Name` alone."""
    bare = NAMING.sub("", singular(name))
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_ ]", "-", bare).lower().strip("-")


def _undressed(name: str) -> str:
    """A structure's name without what says how much of the thing it holds."""
    previous = ""
    while previous != name:
        previous, bare = name, singular(DRESS.sub("", name))
        name = bare if len(bare) > 2 else name
    return name


def parameters(call: Call) -> dict[str, Any]:
    """What the call was asked with, by the names of the input's members."""
    described = model(call.service)
    protocol = described.metadata["protocol"]
    if call.target:
        protocol = "json"
    parser = PROTOCOL_PARSERS.get(protocol)
    operation = described.operation_model(call.operation)
    if parser is None or operation.input_shape is None:
        return {}
    values = MultiDict(_pairs(call.body.decode("utf-8", "replace") if protocol in ("query", "ec2") else call.query))
    labels = {}
    for route in routes(call.service) if protocol.startswith("rest-") else []:
        if route.operation == call.operation:
            labels = route.labels(call.raw_path)
    request = {"body": call.body, "headers": {}, "method": call.method, "url_params": labels, "url_path": call.path, "values": values}
    try:
        parsed: dict[str, Any] = parser(operation).parse(request)  # type: ignore[arg-type]
    except (TypeError, ValueError):  # moto's parsers stumble over numbers in paths
        return {}
    return parsed


def arguments(service: str, operation: str) -> dict[str, Any]:
    """Parameters with which an operation can be called: the required ones, and nothing else."""
    shape = model(service).operation_model(operation).input_shape
    return {name: _argument(name, shape.members[name]) for name in shape.required_members} if shape is not None else {}


def _argument(name: str, shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {name: _argument(name, shape.members[name]) for name in shape.required_members}
        case "list":
            return [_argument(name, shape.member)]
        case "map":
            return {"name": _argument(name, shape.value)}
        case "string" if name in ARGUMENTS:
            return ARGUMENTS[name]
        case "string":
            return shape.enum[0] if shape.enum else TEXT
        case "integer" | "long":
            return shape.metadata.get("min", 1)
        case "boolean":
            return True
        case "timestamp":
            return MOMENT
        case "blob":
            return b"x"
        case _:
            return 1.0


def _pairs(text: str) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(text, keep_blank_values=True)


def _fill(told: Any, call: Call, number: int) -> Any:
    """Puts account, region and number into what specimens.toml says."""
    if isinstance(told, str):
        return told.replace("{account}", call.account).replace("{region}", call.region).replace("{number}", str(number))
    if isinstance(told, list):
        return [_fill(element, call, number) for element in told]
    if isinstance(told, dict):
        return {name: _fill(member, call, number) for name, member in told.items()}
    return told


def page(call: Call, whole: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The page that a call asks for; all of it where the answer does not come in pages."""
    paginator = paginators(call.service).get(call.operation or "")
    if paginator is None:
        return whole
    more = paginator.get("more_results")
    token_asked = re.search(PAGE_TOKEN + r"(\d)", f"{call.query}\n{call.body.decode('utf-8', 'replace')}")
    number = int(token_asked.group(1)) if token_asked else 1
    lists = {key: found for key in _many(paginator["result_key"]) if isinstance(found := _get(whole, key), list)}
    #: Every element is a page of its own; after the first one comes an empty page.
    pages = max((len(found) for found in lists.values()), default=0) + 1
    last = not settings.paged or number >= pages or pages < 3
    if more:
        _set(whole, more, not last)
    for key in _many(paginator["output_token"]):
        _set(whole, key.partition("||")[0].strip(), None if last else f"{PAGE_TOKEN}{number + 1}-of-{pages}-pages")
    for key, found in lists.items() if settings.paged and pages > 2 else ():
        _set(whole, key, {1: found[:1], 2: []}.get(number, found[number - 2 : number - 1]))
    return whole


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _get(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _set(value: dict[str, Any], path: str, member: Any) -> None:
    """Sets a member, or takes it away."""
    *outer, last = path.split(".")
    for name in outer:
        value = value.setdefault(name, {})
    if member is None:
        value.pop(last, None)
    else:
        value[last] = member
