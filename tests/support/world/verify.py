"""Reads a world back through the API and holds its ground truth against it, resource by resource.

The predicates here are written for this purpose alone: they share nothing with the program under test, and nothing
with the code that said what must hold. A difference is a mistake in the world.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from . import clock, vaults, verify_compute, verify_data, verify_messages, verify_network, verify_platforms, verify_services
from .builder import ACCOUNT, HOME, client
from .truth import FAIL, PASS, UNKNOWN, Truth, checks_of

Seen = Iterator[tuple[str, str, dict[str, bool | None]]]
DENIED = ("AccessDenied", "AccessDeniedException")


def _region_of_bucket(reader: "Reader", name: str) -> str:
    region: str | None = reader.client("s3").get_bucket_location(Bucket=name)["LocationConstraint"]
    return region or HOME


class Denied(Exception):
    """A planted fault kept the answer away."""


class Reader:
    """Reads one account."""

    def __init__(self, endpoint: str, regions: list[str]) -> None:
        self.endpoint = endpoint
        self.regions = regions
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = HOME) -> Any:
        """A client, made once."""
        if (service, region) not in self._clients:
            self._clients[(service, region)] = client(self.endpoint, service, region)
        return self._clients[(service, region)]


def absent_or(call: Any, *absent: str, **parameters: Any) -> dict[str, Any] | None:
    """What a call answers; None where AWS says that there is nothing."""
    try:
        answer: dict[str, Any] = call(**parameters)
        return answer
    except ClientError as problem:
        code = problem.response["Error"]["Code"]
        if code in absent:
            return None
        if code in DENIED:
            raise Denied from problem
        raise


def statements(policy: str | dict[str, Any] | None) -> list[dict[str, Any]]:
    """The statements of a policy document."""
    decoded = json.loads(policy) if isinstance(policy, str) else (policy or {})
    found = decoded.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _anybody(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    return principal == "*" or (isinstance(principal, dict) and "*" in _many(principal.get("AWS", [])))


def _public(policy: Any) -> bool:
    return any(one["Effect"] == "Allow" and _anybody(one) and "Condition" not in one for one in statements(policy))


def _tls_only(policy: Any) -> bool:
    wanted = {"Bool": {"aws:SecureTransport": "false"}}
    return any(one["Effect"] == "Deny" and _anybody(one) and one.get("Condition") == wanted for one in statements(policy))


def _denies_unencrypted(policy: Any) -> bool:
    name = "s3:x-amz-server-side-encryption"
    return any(one["Effect"] == "Deny" and name in json.dumps(one.get("Condition", {})) for one in statements(policy))


def _admin(policy: Any) -> bool:
    return any(
        one["Effect"] == "Allow" and "*" in _many(one["Action"]) and "*" in _many(one["Resource"]) for one in statements(policy)
    )


def _customer_keys(reader: Reader) -> set[str]:
    found = set()
    for region in reader.regions:
        kms = reader.client("kms", region)
        for key in kms.list_keys()["Keys"]:
            if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyManager"] == "CUSTOMER":
                found.add(key["KeyArn"])
    return found


def kms_keys(reader: Reader) -> Seen:
    """Keys."""
    for region in reader.regions:
        kms = reader.client("kms", region)
        for key in kms.list_keys()["Keys"]:
            about = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if about["KeyManager"] == "AWS":
                yield "kms-key", key["KeyArn"], dict.fromkeys(checks_of("kms-key"))
                continue
            rotates: bool | None | str = None
            if about["KeySpec"] == "SYMMETRIC_DEFAULT" and about["KeyState"] == "Enabled":
                try:
                    rotates = bool((absent_or(kms.get_key_rotation_status, KeyId=key["KeyId"]) or {})["KeyRotationEnabled"])
                except Denied:
                    rotates = UNKNOWN
            policy = kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]
            yield "kms-key", key["KeyArn"], {
                "kms-key-rotation-enabled": rotates,
                "kms-key-not-pending-deletion": about["KeyState"] != "PendingDeletion",
                "kms-key-policy-not-public": not _public(policy),
                "kms-key-usable": about["KeyState"] == "Enabled",
                "kms-key-single-region": not about.get("MultiRegion", False),
            }


def s3_buckets(reader: Reader) -> Seen:
    """Buckets."""
    customer_keys = _customer_keys(reader)
    for bucket in reader.client("s3").list_buckets()["Buckets"]:
        name = bucket["Name"]
        s3 = reader.client("s3", _region_of_bucket(reader, name))
        rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        default = rules[0]["ApplyServerSideEncryptionByDefault"]
        target = s3.get_bucket_logging(Bucket=name).get("LoggingEnabled", {}).get("TargetBucket")
        blocks = absent_or(s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration", Bucket=name)
        replication = absent_or(s3.get_bucket_replication, "ReplicationConfigurationNotFoundError", Bucket=name)
        lifecycle = absent_or(s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", Bucket=name)
        ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
        grants = s3.get_bucket_acl(Bucket=name)["Grants"]
        lock = absent_or(s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError", Bucket=name)
        by_policy: dict[str, Any] = {}
        try:
            policy = (absent_or(s3.get_bucket_policy, "NoSuchBucketPolicy", Bucket=name) or {}).get("Policy")
            by_policy["s3-bucket-tls-only"] = _tls_only(policy)
            by_policy["s3-bucket-policy-not-public"] = not _public(policy)
            by_policy["s3-bucket-denies-unencrypted-uploads"] = _denies_unencrypted(policy)
        except Denied:
            names = ("s3-bucket-tls-only", "s3-bucket-policy-not-public", "s3-bucket-denies-unencrypted-uploads")
            by_policy = dict.fromkeys(names, UNKNOWN)
        yield "s3-bucket", f"arn:aws:s3:::{name}", {
            "s3-bucket-customer-key": default["SSEAlgorithm"] == "aws:kms" and default.get("KMSMasterKeyID") in customer_keys,
            "s3-bucket-access-logging": target is not None,
            "s3-bucket-log-target-elsewhere": target != name if target else None,
            "s3-bucket-versioning": s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
            "s3-bucket-public-access-blocked": blocks is not None and all(blocks["PublicAccessBlockConfiguration"].values()),
            "s3-bucket-replication": replication is not None,
            "s3-bucket-lifecycle": lifecycle is not None,
            "s3-bucket-acl-disabled": ownership == "BucketOwnerEnforced",
            "s3-bucket-acl-not-public": not any(grant["Grantee"].get("URI", "").endswith("/AllUsers") for grant in grants),
            "s3-bucket-object-lock": lock is not None,
            "s3-bucket-event-notifications": "TopicConfigurations" in s3.get_bucket_notification_configuration(Bucket=name),
            "s3-bucket-not-website": absent_or(s3.get_bucket_website, "NoSuchWebsiteConfiguration", Bucket=name) is None,
            **by_policy,
        }


def _credentials(reader: Reader) -> dict[str, dict[str, str]]:
    iam = reader.client("iam")
    iam.generate_credential_report()
    report = iam.get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(report))}


def _days(moment: str | None) -> int:
    if not moment or moment in ("N/A", "no_information", "not_supported"):
        return 0
    return (clock.utcnow() - clock.parse(moment)).days


def identities(reader: Reader) -> Seen:
    """Users, groups, roles and policies."""
    iam = reader.client("iam")
    report = _credentials(reader)
    details: dict[str, list[Any]] = {}
    for page in iam.get_paginator("get_account_authorization_details").paginate(Filter=["User", "Role", "Group", "LocalManagedPolicy"]):
        for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
            details.setdefault(name, []).extend(page[name])
    for user in details["UserDetailList"]:
        row = report[user["UserName"]]
        password = row["password_enabled"] == "true"
        keys = [number for number in "12" if row[f"access_key_{number}_active"] == "true"]
        used = [row["password_last_used"]] if password else []
        used += [row[f"access_key_{number}_last_used_date"] for number in keys]
        yield "iam-user", user["Arn"], {
            "iam-user-mfa": row["mfa_active"] == "true" if password else None,
            "iam-user-no-inline-policies": not user.get("UserPolicyList"),
            "iam-user-no-attached-policies": not user.get("AttachedManagedPolicies"),
            "iam-access-keys-rotated": all(_days(row[f"access_key_{number}_last_rotated"]) <= 90 for number in keys) if keys else None,
            "iam-credentials-used": all(_days(moment) <= 45 for moment in used),
            "iam-user-in-group": bool(user.get("GroupList")),
            "iam-user-one-access-key": len(keys) <= 1,
        }
    for group in details["GroupDetailList"]:
        yield "iam-group", group["Arn"], {
            "iam-group-no-inline-policies": not group.get("GroupPolicyList"),
            "iam-group-has-users": bool(iam.get_group(GroupName=group["GroupName"])["Users"]),
        }
    for role in details["RoleDetailList"]:
        attached = [policy["PolicyArn"] for policy in role.get("AttachedManagedPolicies", [])]
        inline = role.get("RolePolicyList", [])
        admin = any(arn.endswith("/AdministratorAccess") for arn in attached)
        yield "iam-role", role["Arn"], {
            "iam-role-no-inline-policies": not inline,
            "iam-role-no-admin": not admin and not any(_admin(policy["PolicyDocument"]) for policy in inline),
            "iam-role-trust-not-public": not _public(role["AssumeRolePolicyDocument"]),
        }
    for policy in details["Policies"]:
        current = [version["Document"] for version in policy["PolicyVersionList"] if version["IsDefaultVersion"]]
        yield "iam-policy", policy["Arn"], {"iam-policy-no-admin": not _admin(current[0])}


def account(reader: Reader) -> Seen:
    """The account itself."""
    iam = reader.client("iam")
    summary = iam.get_account_summary()["SummaryMap"]
    root = _credentials(reader)["<root_account>"]
    if (root["mfa_active"] == "true") != (summary["AccountMFAEnabled"] == 1):
        raise ValueError("the credential report and the account summary disagree about root's MFA")
    policy = (absent_or(iam.get_account_password_policy, "NoSuchEntity") or {}).get("PasswordPolicy", {})
    control = reader.client("s3control")
    blocks = absent_or(control.get_public_access_block, "NoSuchPublicAccessBlockConfiguration", AccountId=ACCOUNT)
    trails = reader.client("cloudtrail")
    everywhere = [trail["TrailARN"] for trail in trails.describe_trails()["trailList"] if trail["IsMultiRegionTrail"]]
    yield "aws-account", f"arn:aws:iam::{ACCOUNT}:root", {
        "iam-root-mfa": summary["AccountMFAEnabled"] == 1,
        "iam-root-no-access-keys": summary["AccountAccessKeysPresent"] == 0 and root["access_key_1_active"] == "false",
        "iam-password-policy": policy.get("MinimumPasswordLength", 0) >= 14 and policy.get("PasswordReusePrevention", 0) >= 24,
        "s3-account-public-access-blocked": blocks is not None and all(blocks["PublicAccessBlockConfiguration"].values()),
        "cloudtrail-multi-region": any(trails.get_trail_status(Name=arn)["IsLogging"] for arn in everywhere),
    }


def _shared_with(attributes: list[dict[str, Any]]) -> list[str]:
    return [value for one in attributes if one["AttributeName"] == "restore" for value in one["AttributeValues"]]


def _requires_tls(parameters: list[dict[str, Any]]) -> bool:
    values = {one["ParameterName"]: one["ParameterValue"] for one in parameters}
    return values.get("rds.force_ssl") == "1" or values.get("require_secure_transport") == "ON"


def _instance_requires_tls(rds: Any, instance: dict[str, Any]) -> bool | None:
    if instance.get("DBClusterIdentifier"):
        return None
    name = instance["DBParameterGroups"][0]["DBParameterGroupName"]
    return _requires_tls(rds.describe_db_parameters(DBParameterGroupName=name)["Parameters"])


def _cluster_requires_tls(rds: Any, cluster: dict[str, Any]) -> bool:
    name = cluster["DBClusterParameterGroup"]
    return _requires_tls(rds.describe_db_cluster_parameters(DBClusterParameterGroupName=name)["Parameters"])


def databases(reader: Reader) -> Seen:
    """Instances, clusters and snapshots."""
    customer_keys = _customer_keys(reader)
    for region in reader.regions:
        rds = reader.client("rds", region)
        for one in rds.describe_db_instances()["DBInstances"]:
            yield "rds-instance", one["DBInstanceArn"], {
                "rds-instance-customer-key": one["StorageEncrypted"] and one.get("KmsKeyId") in customer_keys,
                "rds-instance-not-public": not one["PubliclyAccessible"],
                "rds-instance-deletion-protection": one["DeletionProtection"],
                "rds-instance-backup-retention": one["BackupRetentionPeriod"] >= 7,
                "rds-instance-multi-az": one["MultiAZ"],
                "rds-instance-iam-authentication": one["IAMDatabaseAuthenticationEnabled"],
                "rds-instance-log-exports": bool(one.get("EnabledCloudwatchLogsExports")),
                "rds-instance-minor-upgrades": one["AutoMinorVersionUpgrade"],
                "rds-instance-enhanced-monitoring": one.get("MonitoringInterval", 0) > 0,
                "rds-instance-tls-required": _instance_requires_tls(rds, one),
            }
        for one in rds.describe_db_clusters()["DBClusters"]:
            yield "rds-cluster", one["DBClusterArn"], {
                "rds-cluster-customer-key": one["StorageEncrypted"] and one.get("KmsKeyId") in customer_keys,
                "rds-cluster-deletion-protection": one["DeletionProtection"],
                "rds-cluster-backup-retention": one["BackupRetentionPeriod"] >= 7,
                "rds-cluster-iam-authentication": one["IAMDatabaseAuthenticationEnabled"],
                "rds-cluster-tls-required": _cluster_requires_tls(rds, one),
            }
        for one in rds.describe_db_snapshots()["DBSnapshots"]:
            if one["SnapshotType"] == "automated":
                yield "rds-snapshot", one["DBSnapshotArn"], {"rds-snapshot-not-public": None}
                continue
            answer = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier=one["DBSnapshotIdentifier"])
            shared = _shared_with(answer["DBSnapshotAttributesResult"]["DBSnapshotAttributes"])
            yield "rds-snapshot", one["DBSnapshotArn"], {"rds-snapshot-not-public": "all" not in shared}
        for one in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
            private: bool | None = None
            if one["SnapshotType"] != "automated":
                name = one["DBClusterSnapshotIdentifier"]
                answer = rds.describe_db_cluster_snapshot_attributes(DBClusterSnapshotIdentifier=name)
                private = "all" not in _shared_with(answer["DBClusterSnapshotAttributesResult"]["DBClusterSnapshotAttributes"])
            yield "rds-cluster-snapshot", one["DBClusterSnapshotArn"], {"rds-cluster-snapshot-not-public": private}


def watching(reader: Reader) -> Seen:
    """Trails, log groups, topics, secrets and the regions' own settings."""
    customer_keys = _customer_keys(reader)
    for trail in reader.client("cloudtrail").describe_trails()["trailList"]:
        yield "cloudtrail-trail", trail["TrailARN"], {
            "cloudtrail-log-validation": trail["LogFileValidationEnabled"],
            "cloudtrail-customer-key": trail.get("KmsKeyId") in customer_keys,
            "cloudtrail-cloudwatch-logs": bool(trail.get("CloudWatchLogsLogGroupArn")),
            "cloudtrail-logging": reader.client("cloudtrail").get_trail_status(Name=trail["TrailARN"])["IsLogging"],
        }
    for region in reader.regions:
        for group in reader.client("logs", region).describe_log_groups()["logGroups"]:
            yield "logs-log-group", group["logGroupArn"], {
                "log-group-encrypted": bool(group.get("kmsKeyId")),
                "log-group-retention": group.get("retentionInDays", 0) >= 365,
            }
        sns = reader.client("sns", region)
        for topic in sns.list_topics()["Topics"]:
            attributes = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
            yield "sns-topic", topic["TopicArn"], {
                "sns-topic-encrypted": bool(attributes.get("KmsMasterKeyId")),
                "sns-topic-tls-only": _tls_only(attributes["Policy"]),
            }
        secrets = reader.client("secretsmanager", region)
        for secret in secrets.list_secrets()["SecretList"]:
            about = secrets.describe_secret(SecretId=secret["ARN"])
            yield "secretsmanager-secret", secret["ARN"], {
                "secret-customer-key": about.get("KmsKeyId") in customer_keys,
                "secret-rotation": about.get("RotationEnabled", False),
            }
        config = reader.client("config", region)
        recorders = config.describe_configuration_recorders()["ConfigurationRecorders"]
        recording = [one["recording"] for one in config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]]
        detectors = reader.client("guardduty", region).list_detectors()["DetectorIds"]
        yield "aws-region", f"arn:aws:ec2:{region}:{ACCOUNT}:region/{region}", {
            "config-recorder-recording": any(recording) and any(one["recordingGroup"]["allSupported"] for one in recorders),
            "guardduty-enabled": bool(detectors),
            "ebs-default-encryption": reader.client("ec2", region).get_ebs_encryption_by_default()["EbsEncryptionByDefault"],
            **verify_compute.region_settings(reader.client("ec2", region)),
        }


def balancers(reader: Reader) -> Seen:
    """Load balancers and listeners."""
    for region in reader.regions:
        elb = reader.client("elbv2", region)
        for one in elb.describe_load_balancers()["LoadBalancers"]:
            arn = one["LoadBalancerArn"]
            pairs = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
            attributes = {pair["Key"]: pair["Value"] for pair in pairs}
            yield "elbv2-load-balancer", arn, {
                "load-balancer-deletion-protection": attributes.get("deletion_protection.enabled") == "true",
                "load-balancer-access-logs": attributes.get("access_logs.s3.enabled") == "true",
                "load-balancer-drops-invalid-headers": None
                if one["Type"] == "network"
                else attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true",
                **_about_type(reader, region, one, attributes),
            }
            for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
                plain, secure = listener["Protocol"] == "HTTP", listener["Protocol"] in ("HTTPS", "TLS")
                of_acm = [":acm:" in one["CertificateArn"] for one in listener.get("Certificates", [])]
                redirected = all(action["Type"] == "redirect" for action in listener["DefaultActions"])
                yield "elbv2-listener", listener["ListenerArn"], {
                    "listener-current-tls-policy": listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13") if secure else None,
                    "listener-http-redirected": redirected if plain else None,
                    "listener-acm-certificate": all(of_acm) if secure else None,
                    "listener-encrypted": None if listener["Protocol"] in ("HTTP", "HTTPS") else secure,
                }
        for group in elb.describe_target_groups()["TargetGroups"]:
            encrypted = group["Protocol"] in ("HTTPS", "TLS")
            yield "elbv2-target-group", group["TargetGroupArn"], {"target-group-encrypted": encrypted}


def _about_type(reader: Reader, region: str, balancer: dict[str, Any], attributes: dict[str, str]) -> dict[str, bool | None]:
    """What is asked of application load balancers only, or of all others."""
    if balancer["Type"] == "network":
        found: dict[str, bool | None] = dict.fromkeys(
            ("load-balancer-waf", "load-balancer-waf-fails-closed", "load-balancer-desync-mitigation", "load-balancer-shield-advanced")
        )
        return {**found, "load-balancer-cross-zone": attributes.get("load_balancing.cross_zone.enabled") == "true"}
    acl = reader.client("wafv2", region).get_web_acl_for_resource(ResourceArn=balancer["LoadBalancerArn"])
    return {
        "load-balancer-waf": bool(acl.get("WebACL")),
        "load-balancer-waf-fails-closed": attributes.get("waf.fail_open.enabled", "false") == "false",
        "load-balancer-desync-mitigation": attributes.get("routing.http.desync_mitigation_mode", "defensive") != "monitor",
        "load-balancer-cross-zone": None,
        "load-balancer-shield-advanced": None,
    }


def events(reader: Reader, truth: Truth) -> Iterator[str]:
    """Whether the event history and the log objects hold what excerpts must find."""
    if not truth.excerpts:
        return
    wanted = {one for found in truth.excerpts.get("events", {}).values() for one in found}
    wanted -= set(truth.excerpts.get("data-events", []))
    seen: set[str] = set()
    for region in sorted({*reader.regions, "us-east-1", "us-west-2"}):
        pages = reader.client("cloudtrail", region).get_paginator("lookup_events")
        period = {"StartTime": clock.parse(truth.excerpts["start"]), "EndTime": clock.parse(truth.excerpts["end"])}
        for page in pages.paginate(**period):
            seen |= {event["EventId"] for event in page["Events"]}
    yield from (f"event {missing} is not in the event history" for missing in sorted(wanted - seen))


def verify(endpoint: str, truth: Truth) -> list[str]:
    """Every difference between the ground truth and what the API shows."""
    reader = Reader(endpoint, truth.regions)
    problems: list[str] = []
    seen: dict[str, str] = {}
    findings: dict[str, dict[str, str]] = {}
    parts = [kms_keys, s3_buckets, identities, account, databases, watching, balancers]
    parts += [verify_messages.messages, verify_messages.alarms]
    found = [one for part in parts for one in part(reader)]
    for region in truth.regions:
        groups = reader.client("logs", region).describe_log_groups()["logGroups"]
        found += verify_network.networks(reader.client("ec2", region), groups, region)
        found += verify_compute.machines(reader, region)
        found += verify_services.services(reader, region)
    data = verify_data.Data(reader)
    found += [*data.rows(), *data.given(), *verify_platforms.Platforms(reader, _customer_keys(reader)).rows()]
    backed_up = data.backed_up()
    kept = {arn: kind for kind, arn, _ in found if kind in vaults.KINDS}
    for arn, kind in kept.items():
        asked = kind != "s3-bucket" or _region_of_bucket(reader, arn.rpartition(":")[2]) in truth.regions
        found.append((kind, arn, {vaults.KINDS[kind]: arn in backed_up if asked else UNKNOWN}))
    for kind, arn, outcomes in found:
        seen[arn] = kind
        for check, outcome in outcomes.items():
            if outcome is not None:
                text = outcome if isinstance(outcome, str) else (PASS if outcome else FAIL)
                findings.setdefault(check, {})[arn] = text
    problems += [f"{arn} is there, but not in the ground truth" for arn in sorted(set(seen) - set(truth.resources))]
    # What no predicate here speaks of is not read back.
    kinds = set(seen.values())
    expected = {arn for arn, kind in truth.resources.items() if kind in kinds}
    problems += [f"{arn} is in the ground truth, but not there" for arn in sorted(expected - set(seen))]
    for check in sorted(findings):
        said, shown = truth.findings.get(check, {}), findings.get(check, {})
        for arn in sorted({*said, *shown}):
            if said.get(arn) != shown.get(arn):
                problems.append(f"{check} of {arn}: the ground truth says {said.get(arn)}, the API shows {shown.get(arn)}")
    problems += events(reader, truth)
    return problems
