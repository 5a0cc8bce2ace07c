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


def login(moment: str, user: str, mfa: bool, result: str = "Success", **more: Any) -> Event:
    """A log-in to the console."""
    page = "https://console.aws.amazon.com/console/home"
    return event(
        moment,
        "signin",
        "ConsoleLogin",
        user,
        eventType="AwsConsoleSignIn",
        responseElements={"ConsoleLogin": result},
        additionalEventData={"LoginTo": page, "MobileVersion": "No", "MFAUsed": "Yes" if mfa else "No"},
        **more,
    )


def interesting_events(world: Builder) -> dict[str, list[Event]]:
    """What the three excerpt rules must find within the period, by rule."""
    session = {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLEEXAMPLE123:alice@openemr.example",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Auditor/alice@openemr.example",
        "accountId": ACCOUNT,
    }
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
            # An identity provider's log-in: its second factor, if any, is not seen here.
            login("2026-09-22T08:00:00Z", "alice", mfa=False, userIdentity=session),
        ],
        "kms-key-disabled-or-scheduled-for-deletion": [
            event("2026-08-19T15:20:31Z", "kms", "DisableKey", "carol.legacy", requestParameters=suspended),
            event("2026-08-19T15:22:02Z", "kms", "ScheduleKeyDeletion", "carol.legacy", requestParameters=retired),
            event("2026-09-30T23:59:59Z", "kms", "ScheduleKeyDeletion", "carol.legacy", region=SECOND, requestParameters=retired),
        ],
    }


def decoys(world: Builder) -> list[Event]:
    """What looks like it but is not, and the real thing just outside the period: nothing here must be found."""
    service = {**_identity("root"), "invokedBy": "AWS Internal"}
    key = {"keyId": world.keys["central"]}
    return [
        event("2026-07-20T01:00:00Z", "kms", "RotateKey", "root", eventType="AwsServiceEvent", requestParameters=key),
        event("2026-07-21T01:00:00Z", "s3", "PutObject", "root", userIdentity=service),
        login("2026-08-04T07:29:58Z", "bob.analyst", mfa=False, result="Failure"),
        event("2026-08-20T10:00:00Z", "kms", "EnableKey", "carol.legacy", requestParameters=key),
        event("2026-08-20T10:01:00Z", "cloudhsm", "DisableKey", "carol.legacy", requestParameters=key),
        login("2026-06-30T23:59:59Z", "root", mfa=True),
        login("2026-10-01T00:00:01Z", "bob.analyst", mfa=False),
        event("2026-06-12T10:00:00Z", "kms", "DisableKey", "carol.legacy", requestParameters=key),
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
    regions = world.truth.regions
    interesting = {
        rule: [one for one in found if one["awsRegion"] in regions] for rule, found in interesting_events(world).items()
    }
    all_noise = [one for one in noise(noise_days) if one["awsRegion"] in regions]
    events = [one for group in interesting.values() for one in group] + decoys(world) + all_noise
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
