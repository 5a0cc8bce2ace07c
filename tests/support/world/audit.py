"""Logs, trails, topics, secrets, Config and GuardDuty: what the deployment watches itself with."""

from typing import Any

from . import alarms, observed
from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document


#: What GuardDuty looks at beside its sources.
PROTECTIONS = ("S3_DATA_EVENTS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS")


def add_log_group(world: Builder, name: str, *, key: str | None, days: int | None, region: str = HOME) -> str:
    """A log group; kept for ever without `days`. The rule: a retention is set, and at least 365 days."""
    logs = world.client("logs", region)
    encryption = {"kmsKeyId": world.keys[key]} if key else {}
    logs.create_log_group(logGroupName=name, tags={"Project": "openemr"}, **encryption)
    if days:
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    arn = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}"
    world.truth.resource(
        "logs-log-group",
        arn,
        {
            "log-group-encrypted": key is not None,
            "log-group-retention": days is not None and days >= 365,
            "log-group-deletion-protection": False,
        },
    )
    return arn


def add_topic(
    world: Builder,
    name: str,
    *,
    key: str | None,
    tls_only: bool,
    principal: str = ACCOUNT,
    http: str | None = None,
    heard: bool = False,
) -> None:
    """An SNS topic. `principal`: the account that may publish, or `*`; `http`: a subscriber over plain HTTP; `heard`: it will
    have another subscriber."""
    arn = f"arn:aws:sns:{HOME}:{ACCOUNT}:{name}"
    who: Any = "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"}
    statements = [allow("sns:Publish", arn, Sid="Own", Principal=who)]
    if tls_only:
        deny = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": arn}
        statements.append({**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    attributes = {"Policy": document(*statements)}
    if key:
        attributes["KmsMasterKeyId"] = world.keys[key]
    world.client("sns").create_topic(Name=name, Attributes=attributes, Tags=world.tags(name))
    if http:
        world.client("sns").subscribe(TopicArn=arn, Protocol="http", Endpoint=http)
    world.truth.resource(
        "sns-topic",
        arn,
        {
            "sns-topic-encrypted": key is not None,
            "sns-topic-tls-only": tls_only,
            "sns-topic-not-public": principal != "*",
            "sns-topic-accounts": principal == ACCOUNT,
            "sns-topic-subscriptions-encrypted": http is None if http or heard else None,
            # The test server confirms every subscription at once.
            "sns-topic-subscriptions-confirmed": True if http or heard else None,
        },
    )


def add_secret(
    world: Builder, name: str, *, key: str | None, rotates: bool, description: str = "", principal: str | None = None
) -> None:
    """A secret; without `key` it is encrypted with AWS's own. `principal`: an account that a policy lets read it, or `*`."""
    secrets = world.client("secretsmanager")
    encryption = {"KmsKeyId": world.keys[key]} if key else {}
    # Clients fill in random tokens otherwise, and they become version ids.
    token = f"{name.replace('/', '-'):-<40}"
    made = secrets.create_secret(
        Name=name,
        SecretString="not-a-secret",
        Description=description or name,
        ClientRequestToken=f"{token}1",
        Tags=world.tags(name),
        **encryption,
    )
    if rotates:
        rules = {"AutomaticallyAfterDays": 30}
        secrets.rotate_secret(SecretId=name, RotationRules=rules, RotateImmediately=False, ClientRequestToken=f"{token}2")
    if principal:
        who: Any = "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"}
        policy = document(allow("secretsmanager:GetSecretValue", "*", Principal=who))
        secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy)
    world.truth.resource(
        "secretsmanager-secret",
        made["ARN"],
        {
            "secret-customer-key": key is not None,
            "secret-rotation": rotates,
            "secret-not-public": principal != "*",
            "secret-accounts": principal in (None, ACCOUNT),
            "secret-rotated-in-time": True if rotates else None,
        },
    )


def add_trail(world: Builder, name: str, *, good: bool) -> None:
    """A trail that keeps every rule, or none."""
    trails = world.client("cloudtrail")
    settings = {}
    if good:
        settings = {
            "EnableLogFileValidation": True,
            "KmsKeyId": world.keys["central"],
            "CloudWatchLogsLogGroupArn": world.made["trail-log-group"] + ":*",
            "CloudWatchLogsRoleArn": f"arn:aws:iam::{ACCOUNT}:role/openemr-cloudtrail",
        }
    made = trails.create_trail(
        Name=name, S3BucketName="openemr-cloudtrail-logs", IsMultiRegionTrail=good, TagsList=world.tags(name), **settings
    )
    if good:
        objects = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
        selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": objects}
        trails.put_event_selectors(TrailName=name, EventSelectors=[selector])
        trails.put_insight_selectors(TrailName=name, InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
        trails.start_logging(Name=name)
    world.truth.resource(
        "cloudtrail-trail",
        made["TrailARN"],
        {
            "cloudtrail-log-validation": good,
            "cloudtrail-customer-key": good,
            "cloudtrail-cloudwatch-logs": good,
            "cloudtrail-logging": good,
            "cloudtrail-insights": good,
            # The bucket that both share, in the account itself.
            "cloudtrail-bucket-not-public": True,
            "cloudtrail-bucket-access-logging": True,
            "cloudtrail-bucket-immutable": False,
            "cloudtrail-separate-account": False,
        },
    )


def add_config_rules(world: Builder, region: str) -> None:
    """A rule that holds and one that does not: what they find is a fixed answer (fixtures/config.toml)."""
    config = world.client("config", region)
    for name, source, compliant in (
        ("openemr-encrypted-volumes", "ENCRYPTED_VOLUMES", True),
        ("openemr-restricted-ssh", "INCOMING_SSH_DISABLED", False),
    ):
        rule = {"ConfigRuleName": name, "Source": {"Owner": "AWS", "SourceIdentifier": source}}
        config.put_config_rule(ConfigRule=rule)
        described = config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"][0]
        world.truth.resource("config-rule", described["ConfigRuleArn"], {"config-rule-compliant": compliant})


def analyze_access(world: Builder, *, findings: bool) -> None:
    """An analyzer in every region, as a fixed answer, and what it found: nothing, or a bucket that is open to everyone."""
    analyzer = {
        "arn": f"arn:aws:access-analyzer:{HOME}:{ACCOUNT}:analyzer/openemr",
        "name": "openemr",
        "type": "ACCOUNT",
        "status": "ACTIVE",
        "createdAt": "2026-01-02T03:04:05Z",
    }
    finding = {
        "id": "8d1f3b0e-7a43-4c6c-9b55-1f6f6c1a2b3c",
        "findingType": "ExternalAccess",
        "status": "ACTIVE",
        "resource": "arn:aws:s3:::openemr-patient-portal-assets",
        "resourceType": "AWS::S3::Bucket",
        "resourceOwnerAccount": ACCOUNT,
        "createdAt": "2026-05-01T00:00:00Z",
        "updatedAt": "2026-05-01T00:00:00Z",
        "analyzedAt": "2026-05-01T00:00:00Z",
    }
    found = {"findings": [finding] if findings else []}
    world.control("fixtures", {"accessanalyzer:ListAnalyzers": {"analyzers": [analyzer]}, "accessanalyzer:ListFindingsV2": found})
    world.made["access-findings"] = "some" if findings else "none"


def analyzers(world: Builder) -> dict[str, bool | str | None]:
    """What the checks of a region must find of its analyzer."""
    found = world.made.get("access-findings")
    none = {"access-analyzer-enabled": False, "access-analyzer-no-external-findings": None}
    return {"access-analyzer-enabled": True, "access-analyzer-no-external-findings": found == "none"} if found else none


def set_region(world: Builder, region: str, *, watched: bool) -> None:
    """Whether AWS Config records, GuardDuty watches and new EBS volumes are encrypted in a region."""
    if watched:
        config = world.client("config", region)
        group = {"allSupported": True, "includeGlobalResourceTypes": True}
        recorder = {"name": "default", "roleARN": world.made["config-role"], "recordingGroup": group}
        config.put_configuration_recorder(ConfigurationRecorder=recorder)
        config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "openemr-access-logs"})
        config.start_configuration_recorder(ConfigurationRecorderName="default")
        detector = world.client("guardduty", region).create_detector(
            Enable=True, ClientToken="openemr-detector", Features=[{"Name": name, "Status": "ENABLED"} for name in PROTECTIONS]
        )["DetectorId"]
        world.truth.resource(
            "guardduty-detector",
            f"arn:aws:guardduty:{region}:{ACCOUNT}:detector/{detector}",
            {"guardduty-protections": True, "guardduty-managed-centrally": False},
        )
        add_config_rules(world, region)
        world.client("securityhub", region).enable_security_hub(EnableDefaultStandards=False)
        world.client("ec2", region).enable_ebs_encryption_by_default()
    world.truth.resource(
        "aws-region",
        f"arn:aws:ec2:{region}:{ACCOUNT}:region/{region}",
        {
            "config-recorder-recording": watched,
            "guardduty-enabled": watched,
            "ebs-default-encryption": watched,
            "config-rules-in-place": watched,
            # Kept for seven years unless told otherwise, but never delivered.
            "config-history-retention": True,
            "config-history-delivered": False,
            # Sessions are logged nowhere.
            "ssm-public-sharing-blocked": True,
            "ssm-sessions-logged": False,
            **analyzers(world),
            **observed.of_region(world, watched=watched),
            **alarms.of_region(region, watched=watched),
            # What the server answers in every region: fixtures/ec2.toml.
            "ebs-snapshots-sharing-blocked": False,
            "images-sharing-blocked": True,
            "region-requires-imdsv2": False,
        },
    )


def build_logs(world: Builder) -> None:
    """The log groups that other things write into."""
    world.made["flow-log-group"] = "/aws/vpc/openemr-flow-logs"
    add_log_group(world, world.made["flow-log-group"], key="central", days=400)
    add_log_group(world, "/aws/ecs/openemr", key="central", days=2557)
    add_log_group(world, "aws-waf-logs-openemr", key="central", days=365)
    world.made["trail-log-group"] = add_log_group(world, "/aws/cloudtrail/openemr", key="central", days=2557)


def build_watching(world: Builder) -> None:
    """Topics, secrets, the trail, Config and GuardDuty as claimed."""
    add_topic(world, "openemr-monitoring-alarms", key="central", tls_only=True, heard=True)
    add_topic(world, "openemr-deployment-events", key="central", tls_only=True)
    add_secret(world, "openemr/database", key="central", rotates=True)
    add_secret(world, "openemr/smtp", key="central", rotates=False)
    add_trail(world, "openemr-audit", good=True)
    set_region(world, HOME, watched=True)


def build_faulty_watching(world: Builder) -> None:
    """Log groups, topics, secrets and a trail that break each rule; a region that nobody watches."""
    add_log_group(world, "/aws/lambda/openemr-export", key=None, days=None)
    add_log_group(world, "/aws/lambda/synthetic-healthlake-generate", key="central", days=30)
    add_log_group(world, "/aws/lambda/openemr-replica", key=None, days=731, region=SECOND)
    add_topic(world, "openemr-legacy-pager", key=None, tls_only=False, http="http://pager.openemr.example/alarm")
    add_topic(world, "openemr-partner-results", key="central", tls_only=True, principal="999988887777")
    add_topic(world, "openemr-open", key="central", tls_only=True, principal="*")
    # A bell, a bidi override and an escape sequence: descriptions may hold them where tags may not.
    add_secret(world, "openemr/admin-password", key=None, rotates=False, description="admin \u0007\u001b[31m\u202edrowssap")
    add_secret(world, "openemr/partner", key="central", rotates=False, principal="999988887777")
    add_secret(world, "openemr/open", key="central", rotates=False, principal="*")
    add_trail(world, "openemr-legacy-trail", good=False)
    set_region(world, SECOND, watched=False)
