"""Log files for the bench of the scan: events as an account has them, a known few of which are selected."""

import gzip
import json
import random

ACCOUNT = "123456789012"
# What the bench asks for. It is written for each peer in its own words; see tests/bench/scan.
SOURCE, NAMES = "kms.amazonaws.com", ("DisableKey", "ScheduleKeyDeletion")
# One event of so many is selected: 0.46 %.
ONE_OF = 217

CALLS = [
    ("ec2", "DescribeInstances", True),
    ("ec2", "DescribeVolumes", True),
    ("ec2", "RunInstances", False),
    ("s3", "GetBucketAcl", True),
    ("s3", "ListBuckets", True),
    ("sts", "AssumeRole", True),
    ("kms", "Decrypt", True),
    ("kms", "GenerateDataKey", True),
    ("logs", "CreateLogStream", False),
    ("rds", "DescribeDBInstances", True),
    ("iam", "GetRole", True),
    ("dynamodb", "DescribeTable", True),
    ("ssm", "UpdateInstanceInformation", False),
    ("secretsmanager", "GetSecretValue", True),
    ("lambda", "ListFunctions20150331", True),
]
AGENTS = [
    "aws-cli/2.17.18 md/awscrt#0.20.11 ua/2.0 os/linux#6.1.94 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython",
    "Boto3/1.34.144 md/Botocore#1.34.144 ua/2.0 os/linux#5.10.219 md/arch#aarch64 lang/python#3.12.4",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) terraform-provider-aws/5.58.0 aws-sdk-go-v2/1.30.1",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
]


def _hex(chance, digits):
    return f"{chance.getrandbits(4 * digits):0{digits}x}"


def _id(chance):
    digits = _hex(chance, 32)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _parameters(chance, service, name):
    match service:
        case "kms":
            key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{_id(chance)}"
            context = {"aws:s3:arn": f"arn:aws:s3:::records-{chance.randrange(40)}/year=2026/part-{_hex(chance, 12)}.parquet"}
            return {"keyId": key, "encryptionContext": context, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        case "sts":
            return {
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/service-{chance.randrange(60)}",
                "roleSessionName": f"session-{chance.randrange(10**9)}",
                "durationSeconds": 3600,
            }
        case "s3":
            return {"bucketName": f"records-{chance.randrange(40)}", "Host": "s3.us-east-1.amazonaws.com", "acl": ""}
        case "logs":
            return {"logGroupName": f"/aws/lambda/worker-{chance.randrange(80)}", "logStreamName": f"2026/07/0{chance.randrange(1, 9)}/[$LATEST]{_hex(chance, 32)}"}
        case "ec2":
            items = [{"instanceId": f"i-{_hex(chance, 17)}"} for _ in range(chance.randrange(1, 6))]
            return {"instancesSet": {"items": items}, "filterSet": {}, "maxResults": 1000}
        case _:
            return {"name": f"{name}-{chance.randrange(500)}", "maxItems": 100}


def _event(chance, second, service, name, read_only):
    role = chance.randrange(60)
    session = f"session-{chance.randrange(10**6)}"
    principal = f"AROA{_hex(chance, 16).upper()[:17]}"
    time = f"2026-07-01T{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}Z"
    identity = {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/service-{role}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": f"ASIA{_hex(chance, 16).upper()}",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": f"arn:aws:iam::{ACCOUNT}:role/service-{role}",
                "accountId": ACCOUNT,
                "userName": f"service-{role}",
            },
            "attributes": {"creationDate": "2026-07-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }
    event = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": time,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
        "userAgent": chance.choice(AGENTS),
    }
    if chance.randrange(40) == 0:
        event["errorCode"] = "AccessDenied"
        event["errorMessage"] = f'User: {identity["arn"]} is not authorized to perform: {service}:{name} because of "no policy"'
    event |= {
        "requestParameters": _parameters(chance, service, name),
        "responseElements": None,
        "requestID": _id(chance),
        "eventID": _id(chance),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{service}.us-east-1.amazonaws.com",
        },
    }
    return event


def make(folder, files, megabytes):
    """Writes log files of so many MB of text each; gives how many events there are, how many are selected, and bytes of text."""
    chance = random.Random(7)
    events = selected = text_bytes = 0
    region = folder / f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/07/01"
    region.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        parts, length = [], 0
        while length < megabytes * 1_000_000:
            service, name, read_only = chance.choice(CALLS)
            if chance.randrange(ONE_OF) == 0:
                service, name, read_only = "kms", chance.choice(NAMES), False
                selected += 1
            part = json.dumps(_event(chance, events, service, name, read_only), separators=(",", ":"))
            parts.append(part)
            length += len(part) + 1
            events += 1
        text = f'{{"Records":[{",".join(parts)}]}}'.encode()
        text_bytes += len(text)
        minute = 5 * number
        stamp = f"20260701T{minute // 60 % 24:02}{minute % 60:02}Z_{_hex(chance, 16)}"
        (region / f"{ACCOUNT}_CloudTrail_us-east-1_{stamp}.json.gz").write_bytes(gzip.compress(text, 6, mtime=0))
    return events, selected, text_bytes
