"""What moto answers wrongly or not at all, and what AWS does instead: S3 and IAM."""

import base64
import json
import re
from typing import Any

from . import clock, listings
from .answers import Answer, error
from .calls import Call

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

# Roots of moto's S3 answers that strict XML readers refuse, and AWS's own.
S3_ROOTS = {
    b"GetBucketVersioningResponse": b"VersioningConfiguration",
    b"GetBucketNotificationResponse": b"NotificationConfiguration",
    b"GetBucketNotificationConfigurationResponse": b"NotificationConfiguration",
    b"GetBucketAccelerateConfigurationResponse": b"AccelerateConfiguration",
    b"ListBucketInventoryConfigurationsResponse": b"ListInventoryConfigurationsResult",
    b"CompleteMultipartUploadResponse": b"CompleteMultipartUploadResult",
    b"ListPartsResponse": b"ListPartsResult",
    b"GetObjectAttributesOutput": b"GetObjectAttributesResponse",
}


class RootUser:
    """The root user's state, which moto does not have; by account."""

    def __init__(self) -> None:
        self._states: dict[str, dict[str, Any]] = {}

    def clear(self) -> None:
        """Back to a root user as it should be: MFA, no access keys."""
        self._states.clear()

    def set(self, account: str, state: dict[str, Any]) -> None:
        """Sets `mfa` and `access_key` (booleans)."""
        self._states[account] = state

    def correct(self, call: Call, answer: Answer) -> Answer:
        """Puts the root user into the credential report and the account summary."""
        if call.service != "iam" or answer.status != 200:
            return answer
        state = {"mfa": True, "access_key": False, **self._states.get(call.account, {})}
        if call.operation == "GetAccountSummary":
            body = answer.body
            for key, value in (("AccountMFAEnabled", state["mfa"]), ("AccountAccessKeysPresent", state["access_key"])):
                body = re.sub(rf"(<key>{key}</key>\s*<value>)\d+".encode(), rf"\g<1>{int(value)}".encode(), body)
            return answer._replace(body=body)
        content = re.search(rb"<Content>([^<]*)</Content>", answer.body)
        if call.operation != "GetCredentialReport" or not content:
            return answer
        heading, _, users = base64.b64decode(content.group(1)).decode().partition("\n")
        row = dict.fromkeys(heading.split(","), "N/A") | {
            "user": "<root_account>",
            "arn": f"arn:aws:iam::{call.account}:root",
            "user_creation_time": "2024-01-15T09:00:00+00:00",
            "password_enabled": "not_supported",
            "password_last_used": "no_information",
            "password_last_changed": "not_supported",
            "password_next_rotation": "not_supported",
            "mfa_active": _csv(state["mfa"]),
            "access_key_1_active": _csv(state["access_key"]),
            "access_key_2_active": "false",
            "cert_1_active": "false",
            "cert_2_active": "false",
        }
        report = f"{heading}\n{','.join(row[column] for column in heading.split(','))}\n{users}"
        encoded = base64.b64encode(report.encode())
        return answer._replace(body=answer.body[: content.start(1)] + encoded + answer.body[content.end(1) :])


def _csv(value: bool) -> str:
    return "true" if value else "false"


def before_moto(call: Call) -> Answer | None:
    """Answers what moto cannot."""
    if call.service == "s3" and call.operation == "GetBucketPolicyStatus":
        return _policy_status(call)
    return listings.before_moto(call)


def after_moto(call: Call, answer: Answer) -> Answer:
    """Corrects what moto answered."""
    answer = _name_content(call, answer)
    if call.service != "s3" or answer.status >= 300:
        return answer
    if call.operation == "CreateBucket":
        _give_defaults(call)
    return answer._replace(body=_correct_root(answer.body))


def _name_content(call: Call, answer: Answer) -> Answer:
    """moto calls everything that it does not name text/html; AWS never does."""
    if answer.body[:1] == b"{":
        kind = "application/x-amz-json-1.1" if call.method == "POST" and call.path == "/" else "application/json"
    elif answer.body[:1] == b"<" and not answer.body[:9].lower().startswith((b"<!doctype", b"<html")):
        kind = "text/xml"
    else:
        return answer
    wrong = [name for name, text in answer.headers if name.lower() == "content-type" and text.startswith("text/html")]
    headers = [(name, kind if name in wrong else text) for name, text in answer.headers]
    return answer._replace(headers=headers)


def _bucket(call: Call) -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[call.account]["aws"].buckets.get(call.bucket)


def _policy_status(call: Call) -> Answer:
    bucket = _bucket(call)
    if bucket is None:
        return error(call, "NoSuchBucket", "The specified bucket does not exist", 404)
    if not bucket.policy:
        return error(call, "NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    statements = json.loads(bucket.policy).get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    public = str(any(_public(statement) for statement in statements)).lower()
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<PolicyStatus xmlns="{S3_NAMESPACE}"><IsPublic>{public}</IsPublic></PolicyStatus>'
    return Answer(200, [("Content-Type", "application/xml")], body.encode())


def _public(statement: dict[str, Any]) -> bool:
    """Whether a statement allows anybody something, without a condition."""
    if statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    return "*" in (named if isinstance(named, list) else [named])


def _give_defaults(call: Call) -> None:
    """What AWS gives every new bucket since 2023: SSE-S3, all public access blocked, the owner owns all objects."""
    from moto.s3.models import PublicAccessBlock

    bucket = _bucket(call)
    if bucket is None:
        return
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    bucket.encryption = bucket.encryption or {"Rule": rule}
    if bucket.public_access_block is None:
        bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")


def _correct_root(body: bytes) -> bytes:
    root = re.match(rb"\s*(?:<\?xml[^>]*\?>\s*)?<(\w+)", body[:300])
    if not root or root.group(1) not in S3_ROOTS:
        return body
    wrong, right = root.group(1), S3_ROOTS[root.group(1)]
    end = body.rfind(b"</" + wrong + b">")
    if end >= 0:
        body = body[:end] + b"</" + right + b">" + body[end + len(wrong) + 3 :]
    return body.replace(b"<" + wrong, b"<" + right, 1)


def set_user_dates(account: str, user: str, dates: dict[str, Any]) -> None:
    """Makes a user's credentials older than they are; days before now.

    `created_days`, `password_used_days`, and per access key id `keys: {id: {created_days, used_days}}`.
    """
    from datetime import timedelta

    from moto.iam.models import AccessKeyLastUsed, iam_backends

    def ago(days: int) -> Any:
        return clock.utcnow().replace(tzinfo=None, microsecond=0) - timedelta(days=days)

    found = iam_backends[account]["aws"].get_user(user)
    if "created_days" in dates:
        found.create_date = ago(dates["created_days"])
    if "password_used_days" in dates:
        found.password_last_used = ago(dates["password_used_days"])
    for key in found.access_keys:
        key_dates = dates.get("keys", {}).get(key.access_key_id, {})
        if "created_days" in key_dates:
            key.create_date = ago(key_dates["created_days"])
        if "used_days" in key_dates:
            key.last_used = AccessKeyLastUsed(ago(key_dates["used_days"]), "s3", "us-east-1")
