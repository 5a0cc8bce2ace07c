"""Log files as a trail delivers them, with the chain of digest files that CloudTrail signs; whole, and broken in every way.

    python -m world.delivery --endpoint http://127.0.0.1:PORT [--break KIND ...] [--hours 6] [--size 2]

Each kind gets a bucket of its own, `logs-KIND`, in account 123456789012 and us-east-1, for a trail `audit` from
2026-07-01T00:00:00Z on. What was made is printed as JSON. The server is told the public key, for ListPublicKeys.

What is hashed and signed, and how, follows the AWS CloudTrail User Guide ("Digest file structure", "Custom implementations
of CloudTrail log file integrity validation"); `aws cloudtrail validate-logs` says that it is right.
"""

import argparse
import base64
import dataclasses
import datetime
import gzip
import hashlib
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from . import clock
from .events import event

ACCOUNT = "123456789012"
REGION = "us-east-1"
TRAIL = "audit"
START = datetime.datetime(2026, 7, 1, tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)


def stated(moment: datetime.datetime) -> str:
    """A moment as digest files state it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Key:
    """A key pair, as CloudTrail has one in every region."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public = self.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        self.fingerprint = hashlib.md5(self.public, usedforsecurity=False).hexdigest()

    def sign(self, text: str) -> str:
        """The signature over a text, in hexadecimal digits."""
        return self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()


@dataclasses.dataclass
class Stored:
    """An object of the bucket: the text inside its gzip file, and its metadata."""

    text: bytes
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    #: The bytes, where they are not just the text packed.
    packed: bytes | None = None

    @property
    def body(self) -> bytes:
        """The bytes as stored."""
        return gzip.compress(self.text, mtime=0) if self.packed is None else self.packed


@dataclasses.dataclass
class Delivery:
    """What one trail delivers into one bucket, hour by hour."""

    bucket: str
    key: Key
    account: str = ACCOUNT
    region: str = REGION
    trail: str = TRAIL
    #: What stands before `AWSLogs/`, with a slash.
    prefix: str = ""
    #: `o-.../` for the trail of an organization.
    organization: str = ""
    #: Events of a log file.
    size: int = 2
    objects: dict[str, Stored] = dataclasses.field(default_factory=dict)
    logs: list[str] = dataclasses.field(default_factory=list)
    digests: list[str] = dataclasses.field(default_factory=list)
    #: What the next digest file says of the one before it.
    previous: dict[str, Any] | None = None

    def hour(self, start: datetime.datetime, logs: int = 3, **digest: Any) -> None:
        """Delivers an hour's log files and its digest file."""
        self.digest(start, [self.log(start + index * HOUR / (logs + 1), index) for index in range(logs)], **digest)

    def name(self, sort: str, moment: datetime.datetime, rest: str) -> str:
        """The key of a file."""
        folder = f"{self.prefix}AWSLogs/{self.organization}{self.account}/{sort}/{self.region}/{moment:%Y/%m/%d}"
        return f"{folder}/{self.account}_{sort}_{self.region}_{rest}.json.gz"

    def log(self, moment: datetime.datetime, index: int, events: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """Delivers a log file and returns what a digest file says of it."""
        if events is None:
            times = [moment - datetime.timedelta(seconds=30 + 7 * number) for number in range(self.size)]
            events = [event(stated(time), "ec2", "DescribeInstances", f"user-{index}", region=self.region) for time in times]
        text = json.dumps({"Records": events}, separators=(",", ":")).encode()
        mark = hashlib.sha256(f"{self.trail} {moment} {index}".encode()).hexdigest()[:16]
        name = self.name("CloudTrail", moment, f"{moment:%Y%m%dT%H%MZ}_{mark}")
        self.objects[name] = Stored(text)
        self.logs.append(name)
        times = sorted(one["eventTime"] for one in events)
        return {
            "s3Bucket": self.bucket,
            "s3Object": name,
            "hashValue": hashlib.sha256(text).hexdigest(),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": times[-1],
            "oldestEventTime": times[0],
        }

    def digest(
        self,
        start: datetime.datetime,
        logs: list[dict[str, Any]],
        *,
        key: Key | None = None,
        claimed: Key | None = None,
        backfill: datetime.datetime | None = None,
    ) -> None:
        """Delivers a digest file. `key` signs it, `claimed` is the one that it names."""
        key = key or self.key
        end = start + HOUR
        late = "_backfill" if backfill else ""
        name = self.name("CloudTrail-Digest", end, f"{self.trail}_{REGION}_{end:%Y%m%dT%H%M%SZ}{late}")
        content = {
            "awsAccountId": self.account,
            "digestStartTime": stated(start),
            "digestEndTime": stated(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": name,
            "digestPublicKeyFingerprint": (claimed or key).fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": max((log["newestEventTime"] for log in logs), default=None),
            "oldestEventTime": min((log["oldestEventTime"] for log in logs), default=None),
            "previousDigestS3Bucket": None,
            "previousDigestS3Object": None,
            "previousDigestHashValue": None,
            "previousDigestHashAlgorithm": None,
            "previousDigestSignature": None,
            "logFiles": logs,
        }
        text = json.dumps(content | (self.previous or {}), separators=(",", ":")).encode()
        digest = hashlib.sha256(text).hexdigest()
        before = self.previous["previousDigestSignature"] if self.previous else "null"
        signature = key.sign(f"{stated(end)}\n{self.bucket}/{name}\n{digest}\n{before}")
        metadata = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        if backfill:
            metadata["backfill-generation-timestamp"] = stated(backfill)
        self.objects[name] = Stored(text, metadata)
        self.digests.append(name)
        self.previous = {
            "previousDigestS3Bucket": self.bucket,
            "previousDigestS3Object": name,
            "previousDigestHashValue": digest,
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": signature,
        }

    def hours(self, count: int) -> None:
        """Delivers that many hours, of which one is without events."""
        for index in range(count):
            self.hour(START + index * HOUR, logs=0 if index == 1 else 3)


def whole(bucket: str, key: Key, hours: int, **more: Any) -> Delivery:
    """Everything as it should be."""
    delivery = Delivery(bucket, key, **more)
    delivery.hours(hours)
    return delivery


#: What is done to a delivery of six hours and more: the digest file in question is that of the fourth hour, the log file
#: its second.
BREAKS: dict[str, Callable[[Delivery], None]] = {}


def breaks(function: Callable[[Delivery], None]) -> Callable[[Delivery], None]:
    """Names a way to break a delivery."""
    BREAKS[function.__name__.replace("_", "-")] = function
    return function


def log_of(delivery: Delivery) -> str:
    return next((name for name in delivery.logs if "T0330Z" in name), "")


def digest_of(delivery: Delivery) -> str:
    return delivery.digests[3] if len(delivery.digests) > 3 else ""


@breaks
def altered_log(delivery: Delivery) -> None:
    stored = delivery.objects[log_of(delivery)]
    stored.text = stored.text.replace(b"203.0.113.7", b"203.0.113.8")


@breaks
def repacked_log(delivery: Delivery) -> None:
    """Packed anew, which is no alteration."""
    stored = delivery.objects[log_of(delivery)]
    stored.packed = gzip.compress(stored.text, compresslevel=1, mtime=7)


@breaks
def missing_log(delivery: Delivery) -> None:
    del delivery.objects[log_of(delivery)]


@breaks
def unpacked_log(delivery: Delivery) -> None:
    stored = delivery.objects[log_of(delivery)]
    stored.packed = stored.text


@breaks
def appended_log(delivery: Delivery) -> None:
    stored = delivery.objects[log_of(delivery)]
    stored.packed = stored.body + gzip.compress(b'{"Records":[]}', mtime=0)


@breaks
def cut_log(delivery: Delivery) -> None:
    stored = delivery.objects[log_of(delivery)]
    stored.packed = stored.body[: len(stored.body) // 2]


@breaks
def extra_log(delivery: Delivery) -> None:
    name = log_of(delivery).replace(".json.gz", "X.json.gz")
    delivery.objects[name] = Stored(delivery.objects[log_of(delivery)].text)


@breaks
def missing_digest(delivery: Delivery) -> None:
    del delivery.objects[digest_of(delivery)]


@breaks
def newest_digest_missing(delivery: Delivery) -> None:
    """Nobody can know that it was there."""
    del delivery.objects[delivery.digests[-1]]


@breaks
def altered_digest(delivery: Delivery) -> None:
    stored = delivery.objects[digest_of(delivery)]
    content = json.loads(stored.text)
    del content["logFiles"][1]
    stored.text = json.dumps(content, separators=(",", ":")).encode()


@breaks
def broken_digest(delivery: Delivery) -> None:
    delivery.objects[digest_of(delivery)].packed = b"this is not gzip"


@breaks
def empty_digest(delivery: Delivery) -> None:
    delivery.objects[digest_of(delivery)].text = b"{}"


@breaks
def bad_signature(delivery: Delivery) -> None:
    metadata = delivery.objects[digest_of(delivery)].metadata
    metadata["signature"] = metadata["signature"][:-2] + ("00" if metadata["signature"][-2:] != "00" else "11")


@breaks
def no_signature(delivery: Delivery) -> None:
    delivery.objects[digest_of(delivery)].metadata = {}


@breaks
def moved_digest(delivery: Delivery) -> None:
    """An older digest file in the place of another."""
    delivery.objects[digest_of(delivery)] = delivery.objects[delivery.digests[2]]


def with_foreign_key(delivery: Delivery, claimed: Key | None) -> None:
    """From the fourth hour on, the digest file is signed by somebody else."""
    stranger = Key()
    delivery.objects.clear(), delivery.digests.clear(), delivery.logs.clear()
    delivery.previous = None
    for index in range(6):
        key = stranger if index == 3 else delivery.key
        delivery.hour(START + index * HOUR, key=key, claimed=claimed if index == 3 else None)


@breaks
def unknown_key(delivery: Delivery) -> None:
    with_foreign_key(delivery, None)


@breaks
def claimed_key(delivery: Delivery) -> None:
    """Somebody else's signature under the name of CloudTrail's key."""
    with_foreign_key(delivery, delivery.key)


@breaks
def gap(delivery: Delivery) -> None:
    """The trail is stopped for the third and fourth hour."""
    delivery.objects.clear(), delivery.digests.clear(), delivery.logs.clear()
    delivery.previous = None
    for index in (0, 1, 4, 5):
        if index == 4:
            delivery.previous = None
        delivery.hour(START + index * HOUR)


@breaks
def backfill(delivery: Delivery) -> None:
    """As `gap`, and the digest files of the hours in between are delivered a day later, in a chain of their own."""
    gap(delivery)
    late = Delivery(delivery.bucket, delivery.key)
    for index in (2, 3):
        start = START + index * HOUR
        late.digest(start, [late.log(start + HOUR / 2, 9)], backfill=START + datetime.timedelta(days=1))
    delivery.objects |= late.objects
    delivery.logs += late.logs
    delivery.digests += late.digests


@breaks
def altered_backfill(delivery: Delivery) -> None:
    backfill(delivery)
    stored = delivery.objects[delivery.digests[-2]]
    stored.text = stored.text.replace(b'"hashAlgorithm"', b'"hashAlgorithms"', 1)


@breaks
def second_trail(delivery: Delivery) -> None:
    """Another trail delivers into the same bucket, with a chain of its own."""
    other = whole(delivery.bucket, delivery.key, 6, trail="other_trail")
    delivery.objects |= other.objects


@breaks
def replaced_digest(delivery: Delivery) -> None:
    """Signed by CloudTrail, for the same hour and place, but not the digest file that the next one was made after."""
    other = Delivery(delivery.bucket, delivery.key)
    other.hour(START + 3 * HOUR, logs=1)
    name = digest_of(delivery)
    delivery.objects[name] = other.objects[name]
    delivery.objects |= {log: other.objects[log] for log in other.logs}


class Bucket:
    """The buckets of a server."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def put(self, delivery: Delivery) -> None:
        """Makes the bucket and puts everything into it."""
        self.s3.create_bucket(Bucket=delivery.bucket)
        for name, stored in delivery.objects.items():
            self.s3.put_object(
                Bucket=delivery.bucket, Key=name, Body=stored.body, Metadata=stored.metadata, ContentType="application/json", ContentEncoding="gzip"
            )

    def publish(self, key: Key) -> None:
        """Lets the server answer ListPublicKeys with the key."""
        told = {
            "value": base64.b64encode(key.public).decode(),
            "fingerprint": key.fingerprint,
            "start": stated(START - datetime.timedelta(days=90)),
            "end": stated(START + datetime.timedelta(days=365)),
        }
        body = json.dumps({"region": REGION, "keys": [told]}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/world/public-keys", data=body, method="POST")).read()


def main() -> None:
    """Delivers what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--break", dest="kinds", nargs="*", default=None, help="ways to break it; none: whole; not given: all of them")
    parser.add_argument("--hours", type=int, default=6)
    parser.add_argument("--size", type=int, default=2, help="events of a log file")
    parser.add_argument("--events", type=Path, help="JSON list of events that are delivered to the bucket logs-events")
    arguments = parser.parse_args()
    bucket, key, made = Bucket(arguments.endpoint), Key(), {}
    bucket.publish(key)
    deliveries = {"whole": whole("logs-whole", key, arguments.hours, size=arguments.size)}
    for kind in BREAKS if arguments.kinds is None else arguments.kinds:
        deliveries[kind] = whole(f"logs-{kind}", key, arguments.hours, size=arguments.size)
        BREAKS[kind](deliveries[kind])
    if arguments.kinds is None:
        deliveries["prefix"] = whole("logs-prefix", key, arguments.hours, prefix="trails/of/ours/")
        deliveries["organization"] = whole("logs-organization", key, arguments.hours, organization="o-exampleorg1/")
        deliveries |= {"moved-bucket": moved_bucket(bucket, key)}
    if arguments.events:
        deliveries["events"] = of_events("logs-events", key, json.loads(arguments.events.read_text()))
    for kind, delivery in deliveries.items():
        bucket.put(delivery)
        made[kind] = {"bucket": delivery.bucket, "log": log_of(delivery), "digest": digest_of(delivery)}
    end = stated(START + arguments.hours * HOUR)
    print(json.dumps({"start": stated(START), "end": end, "deliveries": made}, indent=1))


def of_events(name: str, key: Key, events: list[dict[str, Any]]) -> Delivery:
    """These events, and an hour without any before and after them."""
    times = [clock.parse(one["eventTime"]).replace(minute=0, second=0, microsecond=0) for one in events]
    delivery, start = Delivery(name, key), min(times) - HOUR
    while start <= max(times) + HOUR:
        of_hour = [one for one, time in zip(events, times, strict=True) if time == start]
        delivery.digest(start, [delivery.log(start + HOUR / 2, 0, of_hour)] if of_hour else [])
        start += HOUR
    return delivery


def moved_bucket(bucket: Bucket, key: Key) -> Delivery:
    """The trail is given another bucket after three hours; the chain goes on."""
    first = Delivery("logs-first-bucket", key)
    for index in range(3):
        first.hour(START + index * HOUR)
    bucket.put(first)
    then = Delivery("logs-moved-bucket", key, previous=first.previous)
    for index in range(3, 7):
        then.hour(START + index * HOUR)
    return then


if __name__ == "__main__":
    main()
