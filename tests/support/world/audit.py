"""Logs, trails, topics, secrets, Config and GuardDuty: what the deployment watches itself with."""

from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document


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
        {"log-group-encrypted": key is not None, "log-group-retention": days is not None and days >= 365},
    )
    return arn


def add_topic(world: Builder, name: str, *, key: str | None, tls_only: bool) -> None:
    """An SNS topic."""
    arn = f"arn:aws:sns:{HOME}:{ACCOUNT}:{name}"
    statements = [allow("sns:Publish", arn, Sid="Own", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})]
    if tls_only:
        deny = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": arn}
        statements.append({**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    attributes = {"Policy": document(*statements)}
    if key:
        attributes["KmsMasterKeyId"] = world.keys[key]
    world.client("sns").create_topic(Name=name, Attributes=attributes, Tags=world.tags(name))
    world.truth.resource("sns-topic", arn, {"sns-topic-encrypted": key is not None, "sns-topic-tls-only": tls_only})


def add_secret(world: Builder, name: str, *, key: str | None, rotates: bool, description: str = "") -> None:
    """A secret; without `key` it is encrypted with AWS's own."""
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
    world.truth.resource("secretsmanager-secret", made["ARN"], {"secret-customer-key": key is not None, "secret-rotation": rotates})


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
        trails.start_logging(Name=name)
    world.truth.resource(
        "cloudtrail-trail",
        made["TrailARN"],
        {
            "cloudtrail-log-validation": good,
            "cloudtrail-customer-key": good,
            "cloudtrail-cloudwatch-logs": good,
            "cloudtrail-logging": good,
        },
    )


def set_region(world: Builder, region: str, *, watched: bool) -> None:
    """Whether AWS Config records, GuardDuty watches and new EBS volumes are encrypted in a region."""
    if watched:
        config = world.client("config", region)
        group = {"allSupported": True, "includeGlobalResourceTypes": True}
        recorder = {"name": "default", "roleARN": world.made["config-role"], "recordingGroup": group}
        config.put_configuration_recorder(ConfigurationRecorder=recorder)
        config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "openemr-access-logs"})
        config.start_configuration_recorder(ConfigurationRecorderName="default")
        world.client("guardduty", region).create_detector(Enable=True, ClientToken="openemr-detector")
        world.client("ec2", region).enable_ebs_encryption_by_default()
    world.truth.resource(
        "aws-region",
        f"arn:aws:ec2:{region}:{ACCOUNT}:region/{region}",
        {
            "config-recorder-recording": watched,
            "guardduty-enabled": watched,
            "ebs-default-encryption": watched,
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
    add_topic(world, "openemr-monitoring-alarms", key="central", tls_only=True)
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
    add_topic(world, "openemr-legacy-pager", key=None, tls_only=False)
    # A bell, a bidi override and an escape sequence: descriptions may hold them where tags may not.
    add_secret(world, "openemr/admin-password", key=None, rotates=False, description="admin \u0007\u001b[31m\u202edrowssap")
    add_trail(world, "openemr-legacy-trail", good=False)
    set_region(world, SECOND, watched=False)
