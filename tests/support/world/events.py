"""CloudTrail events: what the excerpt rules look for, among noise, as log objects and in the event history."""

import datetime
import gzip
import hashlib
import json

from .activity import activity, lookalikes
from .builder import ACCOUNT, SECOND, Builder
from .trail_event import Event, event, identity, login

START = datetime.datetime(2026, 7, 1, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc)
BUCKET = "openemr-cloudtrail-logs"


def interesting_events(world: Builder) -> list[tuple[Event, tuple[str, ...]]]:
    """Log-ins, root's acts and the end of keys: each with the excerpt rules that must show it."""
    session = {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLEEXAMPLE123:alice@openemr.example",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Auditor/alice@openemr.example",
        "accountId": ACCOUNT,
    }
    retired = {"keyId": world.keys.get("retired", world.keys["central"]), "pendingWindowInDays": 7}
    suspended = {"keyId": world.keys.get("suspended", world.keys["central"])}
    key = {"responseElements": {"accessKey": {"status": "Active"}}}
    bucket = {"requestParameters": {"bucketName": "openemr-patient-portal-assets"}}
    no_mfa, ends = ("console-login-without-mfa",), ("kms-key-disabled-or-scheduled-for-deletion",)
    keys_of_root = ("root-use", "root-credentials-changed", "iam-access-keys-changed")
    return [
        (login("2026-07-14T02:11:09Z", "root", mfa=True), ("root-use",)),
        (event("2026-07-14T02:13:44Z", "iam", "CreateAccessKey", "root", **key), keys_of_root),
        (event("2026-09-02T23:58:01Z", "s3", "PutBucketPolicy", "root", **bucket), ("root-use", "s3-bucket-policy-changed")),
        (login("2026-08-03T07:30:12Z", "bob.analyst", mfa=False), no_mfa),
        (login("2026-08-04T07:29:58Z", "bob.analyst", mfa=False, result="Failure"), ("console-login-failed",)),
        (login("2026-09-21T19:02:55Z", "bob.analyst", mfa=False), no_mfa),
        # An identity provider's log-in: its second factor, if any, is not seen here.
        (login("2026-09-22T08:00:00Z", "alice", mfa=False, userIdentity=session), no_mfa),
        (event("2026-08-19T15:20:31Z", "kms", "DisableKey", "carol.legacy", requestParameters=suspended), ends),
        (event("2026-08-19T15:22:02Z", "kms", "ScheduleKeyDeletion", "carol.legacy", requestParameters=retired), ends),
        (
            event("2026-09-30T23:59:59Z", "kms", "ScheduleKeyDeletion", "carol.legacy", region=SECOND, requestParameters=retired),
            ends,
        ),
    ]


def decoys(world: Builder) -> list[Event]:
    """What looks like it but is not, and the real thing just outside the period: nothing here must be found."""
    service = {**identity("root"), "invokedBy": "AWS Internal"}
    key = {"keyId": world.keys["central"]}
    return [
        event("2026-07-20T01:00:00Z", "kms", "RotateKey", "root", eventType="AwsServiceEvent", requestParameters=key),
        event("2026-07-21T01:00:00Z", "s3", "PutObject", "root", userIdentity=service),
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
    told = [(one, rules) for one, rules in interesting_events(world) + activity() if one["awsRegion"] in world.truth.regions]
    others = decoys(world) + lookalikes() + noise(noise_days)
    events = [one for one, _ in told] + [one for one in others if one["awsRegion"] in world.truth.regions]
    s3 = world.client("s3")
    for key, content in log_objects(events).items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="application/json", ContentEncoding="gzip")
    world.control("events", {"events": events, "history_days": None})
    by_rule: dict[str, list[str]] = {}
    for one, rules in told:
        for rule in rules:
            by_rule.setdefault(rule, []).append(one["eventID"])
    world.truth.excerpts = {
        "start": START.isoformat().replace("+00:00", "Z"),
        "end": END.isoformat().replace("+00:00", "Z"),
        "bucket": BUCKET,
        "prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/",
        "events": by_rule,
        # The event history has no data events.
        "data-events": [one["eventID"] for one, _ in told if one["eventCategory"] == "Data"],
    }
