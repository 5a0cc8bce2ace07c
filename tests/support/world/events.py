"""CloudTrail events: what the excerpt rules look for, among noise, as log objects and in the event history."""

import datetime
import gzip
import hashlib
import json
from typing import Any

from .builder import ACCOUNT, HOME, SECOND, Builder

START = datetime.datetime(2026, 7, 1, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc)
BUCKET = "openemr-cloudtrail-logs"

Event = dict[str, Any]


def _identity(name: str) -> dict[str, Any]:
    if name == "root":
        return {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
    return {
        "type": "IAMUser",
        "principalId": "AIDA" + hashlib.sha256(name.encode()).hexdigest()[:16].upper(),
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "userName": name,
    }


def event(moment: str, source: str, name: str, user: str, *, region: str = HOME, **more: Any) -> Event:
    """One event as CloudTrail writes it; its ids come from its content."""
    seed = hashlib.sha256(f"{moment} {source} {name} {user} {region} {more}".encode()).hexdigest()
    ids = [f"{part[:8]}-{part[8:12]}-4{part[13:16]}-8{part[17:20]}-{part[20:32]}" for part in (seed[:32], seed[32:])]
    made: Event = {
        "eventVersion": "1.11",
        "userIdentity": _identity(user),
        "eventTime": moment,
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "Mozilla/5.0",
        "requestParameters": None,
        "responseElements": None,
        "requestID": ids[0],
        "eventID": ids[1],
        "readOnly": name.startswith(("Get", "List", "Describe")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return made | more


def login(moment: str, user: str, mfa: bool) -> Event:
    """A successful log-in to the console."""
    return event(
        moment,
        "signin",
        "ConsoleLogin",
        user,
        eventType="AwsConsoleSignIn",
        responseElements={"ConsoleLogin": "Success"},
        additionalEventData={"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "Yes" if mfa else "No"},
    )


def interesting_events(world: Builder) -> dict[str, list[Event]]:
    """What the three excerpt rules must find within the period, by rule."""
    retired = {"keyId": world.keys.get("retired", world.keys["central"]), "pendingWindowInDays": 7}
    suspended = {"keyId": world.keys.get("suspended", world.keys["central"])}
    return {
        "root-use": [
            login("2026-07-14T02:11:09Z", "root", mfa=True),
            event("2026-07-14T02:13:44Z", "iam", "CreateAccessKey", "root", responseElements={"accessKey": {"status": "Active"}}),
            event("2026-09-02T23:58:01Z", "s3", "PutBucketPolicy", "root", requestParameters={"bucketName": "openemr-patient-portal-assets"}),
        ],
        "console-login-without-mfa": [
            login("2026-08-03T07:30:12Z", "bob.analyst", mfa=False),
            login("2026-09-21T19:02:55Z", "bob.analyst", mfa=False),
        ],
        "kms-key-disabled-or-deleted": [
            event("2026-08-19T15:20:31Z", "kms", "DisableKey", "carol.legacy", requestParameters=suspended),
            event("2026-08-19T15:22:02Z", "kms", "ScheduleKeyDeletion", "carol.legacy", requestParameters=retired),
            event("2026-09-30T23:59:59Z", "kms", "ScheduleKeyDeletion", "carol.legacy", region=SECOND, requestParameters=retired),
        ],
    }


def outside_events(world: Builder) -> list[Event]:
    """The same sorts of events just outside the period: they must not be found."""
    return [
        login("2026-06-30T23:59:59Z", "root", mfa=True),
        login("2026-10-01T00:00:01Z", "bob.analyst", mfa=False),
        event("2026-06-12T10:00:00Z", "kms", "DisableKey", "carol.legacy", requestParameters={"keyId": world.keys["central"]}),
    ]


def noise(days: int) -> list[Event]:
    """Unrelated events on every day: reads, log-ins with MFA, other KMS calls, and data events."""
    made = []
    for day in range(days):
        date = (START + datetime.timedelta(days=day)).date().isoformat()
        made.append(login(f"{date}T06:{day % 60:02}:00Z", "alice.admin", mfa=True))
        made.append(event(f"{date}T09:{day % 60:02}:30Z", "kms", "Decrypt", "alice.admin", readOnly=True))
        made.append(event(f"{date}T12:00:{day % 60:02}Z", "ec2", "DescribeInstances", "openemr-smtp", region=SECOND))
        made.append(
            event(
                f"{date}T16:{day % 60:02}:45Z",
                "s3",
                "GetObject",
                "openemr-smtp",
                managementEvent=False,
                eventCategory="Data",
                requestParameters={"bucketName": "openemr-email-storage", "key": f"mail/{day}"},
            )
        )
    return made


def log_objects(events: list[Event]) -> dict[str, bytes]:
    """The events as CloudTrail delivers them: a gzipped JSON object per region and day."""
    groups: dict[tuple[str, str], list[Event]] = {}
    for one in sorted(events, key=lambda one: (one["eventTime"], one["eventID"])):
        groups.setdefault((one["awsRegion"], one["eventTime"][:10]), []).append(one)
    objects = {}
    for (region, date), records in groups.items():
        year, month, day = date.split("-")
        mark = hashlib.sha256(f"{region}{date}".encode()).hexdigest()[:16]
        name = f"{ACCOUNT}_CloudTrail_{region}_{year}{month}{day}T2355Z_{mark}.json.gz"
        content = json.dumps({"Records": records}, separators=(",", ":")).encode()
        key = f"AWSLogs/{ACCOUNT}/CloudTrail/{region}/{year}/{month}/{day}/{name}"
        objects[key] = gzip.compress(content, mtime=0)
    return objects


def build_events(world: Builder, *, noise_days: int = 92) -> None:
    """Delivers log objects, loads the event history, and says what excerpts of the period must hold."""
    interesting = interesting_events(world)
    events = [one for group in interesting.values() for one in group] + outside_events(world) + noise(noise_days)
    s3 = world.client("s3")
    for key, content in log_objects(events).items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="application/json", ContentEncoding="gzip")
    world.control("events", {"events": events, "history_days": None})
    world.truth.excerpts = {
        "start": START.isoformat().replace("+00:00", "Z"),
        "end": END.isoformat().replace("+00:00", "Z"),
        "bucket": BUCKET,
        "prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/",
        "events": {rule: [one["eventID"] for one in found] for rule, found in interesting.items()},
    }
