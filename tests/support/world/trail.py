"""CloudTrail's event history: LookupEvents over events that were loaded, as AWS pages and filters them; and its public keys."""

import base64
import collections
import datetime
import hashlib
import json
import threading
from typing import Any

from . import clock
from .answers import Answer, error, output
from .calls import Call

MAX_RESULTS = 50
HISTORY_DAYS = 90

Event = dict[str, Any]


class EventStore:
    """Events by account and region, newest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[tuple[str, str], list[Event]] = collections.defaultdict(list)
        #: AWS keeps 90 days; None keeps events of any age (worlds with a fixed period need it).
        self.history_days: int | None = HISTORY_DAYS

    def load(self, events: list[Event]) -> int:
        """Adds events; account and region are in them."""
        with self._lock:
            for event in events:
                self._events[(event["recipientAccountId"], event["awsRegion"])].append(event)
            for stored in self._events.values():
                stored.sort(key=lambda event: (event["eventTime"], event["eventID"]), reverse=True)
        return len(events)

    def clear(self) -> None:
        """Forgets all events."""
        with self._lock:
            self._events.clear()
            self.history_days = HISTORY_DAYS

    def lookup(self, call: Call) -> Answer:
        """Answers LookupEvents."""
        try:
            parameters = json.loads(call.body or b"{}")
        except ValueError:
            return error(call, "SerializationException", "The request is not JSON")
        size = parameters.get("MaxResults", MAX_RESULTS)
        if not isinstance(size, int) or not 1 <= size <= MAX_RESULTS:
            return error(call, "InvalidMaxResultsException", f"MaxResults must be between 1 and {MAX_RESULTS}")
        attributes = parameters.get("LookupAttributes") or []
        if len(attributes) > 1:
            return error(call, "InvalidLookupAttributesException", "You can specify only one lookup attribute")
        now = clock.utcnow()
        start = clock.parse(parameters["StartTime"]) if "StartTime" in parameters else datetime.datetime.min
        end = clock.parse(parameters["EndTime"]) if "EndTime" in parameters else now
        start = start if start.tzinfo else start.replace(tzinfo=datetime.timezone.utc)
        if start > end:
            return error(call, "InvalidTimeRangeException", "The start time is after the end time")
        if self.history_days is not None:
            start = max(start, now - datetime.timedelta(days=self.history_days))

        question = json.dumps([attributes, parameters.get("StartTime"), parameters.get("EndTime")], sort_keys=True)
        question_id = hashlib.sha256(question.encode()).hexdigest()[:16]
        first = 0
        if parameters.get("NextToken"):
            try:
                token_question, _, position = base64.b64decode(parameters["NextToken"]).decode().partition(":")
                first = int(position)
            except ValueError:
                token_question = ""
            if token_question != question_id:
                return error(call, "InvalidNextTokenException", "The token does not belong to this request")
        with self._lock:
            events = list(self._events.get((call.account, call.region), []))
        fitting = [event for event in events if start <= clock.parse(event["eventTime"]) <= end and _listed(event, attributes)]
        answer: dict[str, Any] = {"Events": [_entry(event) for event in fitting[first : first + size]]}
        if first + size < len(fitting):
            answer["NextToken"] = base64.b64encode(f"{question_id}:{first + size}".encode()).decode()
        return output(call, answer)


class PublicKeys:
    """CloudTrail's public keys by region: those with which digest files are verified."""

    def __init__(self) -> None:
        self._keys: dict[str, list[dict[str, str]]] = collections.defaultdict(list)

    def publish(self, region: str, keys: list[dict[str, str]]) -> None:
        """Adds keys: `value` (base64 of the key in DER), `fingerprint`, `start` and `end` of their validity."""
        self._keys[region].extend(keys)

    def clear(self) -> None:
        """Forgets all keys."""
        self._keys.clear()

    def list(self, call: Call) -> Answer:
        """Answers ListPublicKeys: the keys that were valid at some time between the two."""
        asked = json.loads(call.body or b"{}")
        now = clock.utcnow()
        start, end = (clock.parse(asked[name]) if name in asked else now for name in ("StartTime", "EndTime"))
        if start > end:
            return error(call, "InvalidTimeRangeException", "The start time is after the end time")
        keys = [key for key in self._keys[call.region] if clock.parse(key["start"]) <= end and start <= clock.parse(key["end"])]
        found = [
            {
                "Value": base64.b64decode(key["value"]),
                "Fingerprint": key["fingerprint"],
                "ValidityStartTime": key["start"],
                "ValidityEndTime": key["end"],
            }
            for key in keys
        ]
        return output(call, {"PublicKeyList": found})


def _listed(event: Event, attributes: list[dict[str, str]]) -> bool:
    """Whether the event history holds the event (management events only) and all attributes fit."""
    if event.get("eventCategory", "Management") != "Management" or event.get("managementEvent") is False:
        return False
    return all(attribute["AttributeValue"] in _values(event, attribute["AttributeKey"]) for attribute in attributes)


def _values(event: Event, key: str) -> list[Any]:
    resources = event.get("resources") or []
    match key:
        case "EventId":
            return [event["eventID"]]
        case "EventName":
            return [event["eventName"]]
        case "EventSource":
            return [event["eventSource"]]
        case "ReadOnly":
            return [str(event.get("readOnly", False)).lower()]
        case "Username":
            return [_user(event)]
        case "AccessKeyId":
            return [(event.get("userIdentity") or {}).get("accessKeyId")]
        case "ResourceName":
            return [resource.get("ARN") for resource in resources]
        case "ResourceType":
            return [resource.get("type") for resource in resources]
    return []


def _user(event: Event) -> str | None:
    identity = event.get("userIdentity") or {}
    if identity.get("type") == "Root":
        return "root"
    session = identity.get("principalId", "").partition(":")[2]
    return identity.get("userName") or session or identity.get("invokedBy")


def _entry(event: Event) -> dict[str, Any]:
    entry = {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "EventTime": event["eventTime"],
        "EventSource": event["eventSource"],
        "ReadOnly": str(event.get("readOnly", False)).lower(),
        "Username": _user(event),
        "AccessKeyId": (event.get("userIdentity") or {}).get("accessKeyId"),
        "Resources": [
            {"ResourceType": resource.get("type"), "ResourceName": resource.get("ARN")} for resource in event.get("resources") or []
        ],
        "CloudTrailEvent": json.dumps(event, separators=(",", ":")),
    }
    return {name: value for name, value in entry.items() if value is not None}
