"""What all building blocks of a world share: clients, names, the truth, and the server's control endpoints."""

import json
import re
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from .truth import Truth

ACCOUNT = "123456789012"
HOME = "us-east-1"
SECOND = "us-west-2"


@dataclass
class Builder:
    """Builds a world on a server, and keeps what later blocks refer to."""

    endpoint: str
    truth: Truth
    #: KMS key ARNs by purpose.
    keys: dict[str, str] = field(default_factory=dict)
    #: Other ARNs and ids by purpose.
    made: dict[str, str] = field(default_factory=dict)
    #: ARNs of what AWS Backup made a backup of within the last day.
    backed_up: set[str] = field(default_factory=set)
    #: The buckets that are in another region than the rest, by ARN.
    bucket_regions: dict[str, str] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = HOME) -> Any:
        """A boto3 client, made once per service and region."""
        if (service, region) not in self._clients:
            self._clients[(service, region)] = client(self.endpoint, service, region)
        return self._clients[(service, region)]

    def control(self, name: str, value: dict[str, Any]) -> Any:
        """Asks the server itself for something (see control.py)."""
        return control(self.endpoint, "POST", name, value)

    def tell(self, operation: str, answer: dict[str, Any], region: str = HOME, **parameters: str) -> None:
        """Tells the server the answer to an operation (`backup:ListRestoreJobs`) in the account and a region, see fixed.py."""
        when = urllib.parse.urlencode({**parameters, "@account": ACCOUNT, "@region": region})
        self.control("fixtures", {f"{operation}?{when}": answer})

    def tags(self, name: str, **more: str) -> list[dict[str, str]]:
        """The deployment's tags."""
        tags = {"Name": name, "Project": "openemr", "Environment": "production", **more}
        return [{"Key": key, "Value": value} for key, value in tags.items()]


def client(endpoint: str, service: str, region: str) -> Any:
    """A boto3 client of the test server: one attempt, path-style buckets, no host prefixes."""
    config = Config(
        s3={"addressing_style": "path"},
        retries={"total_max_attempts": 1},
        inject_host_prefix=False,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=config,
    )
    # The account id stands before the host's name; no resolver knows that name on loopback.
    made.meta.events.register("before-send.s3-control", lambda request, **_: _without_host_prefix(request))
    return made


def _without_host_prefix(request: Any) -> None:
    request.url = re.sub(r"^http://\d{12}\.", "http://", request.url)


def control(endpoint: str, method: str, name: str, value: dict[str, Any] | None = None) -> Any:
    """One request to the server's control endpoints."""
    body = json.dumps(value).encode() if value is not None else None
    request = urllib.request.Request(f"{endpoint}/world/{name}", data=body, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
    return content if name == "record" and method == "GET" else json.loads(content)


def allow(actions: str | list[str], resources: str | list[str], **more: Any) -> dict[str, Any]:
    """A policy statement that allows."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def assumed_by(service: str) -> str:
    """A role's trust policy for an AWS service."""
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
