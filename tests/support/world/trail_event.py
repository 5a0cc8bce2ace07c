"""One CloudTrail event, as AWS writes it."""

import hashlib
from typing import Any

from .builder import ACCOUNT, HOME

Event = dict[str, Any]


def identity(name: str) -> dict[str, Any]:
    """The identity of root, or of a user of this name."""
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
        "userIdentity": identity(user),
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
