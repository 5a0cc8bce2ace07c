"""S3 buckets: those of both deployments, buckets that break each rule, one with hostile tags and one that cannot be seen."""

from typing import Any

from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document

# Markup of the report's typesetter, a bidi override, CJK, an emoji with a joiner, a tab and combining marks.
HOSTILE_TAG = '#import "x"; *bold* $x$ @ref <label> #panic() \u202egnp.exe\u202c 患者データ 👩\u200d⚕️ \ttab e\u0301\u0323 \\u{0}'

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def add_bucket(
    world: Builder,
    name: str,
    *,
    region: str = HOME,
    key: str | None = None,
    logs_to: str | None = None,
    tls_only: bool = True,
    denies_unencrypted: str | None = "not-kms",
    public_read: bool = False,
    shared_with: str | None = None,
    versioning: bool = True,
    blocks: tuple[str, ...] = BLOCKS,
    replica: str | None = None,
    lifecycle: bool = True,
    old_versions_expire: bool = False,
    receives_logs: bool = False,
    trail: bool = False,
    lists: str | None = None,
    locked: str | None = None,
    notifies: bool = False,
    website: bool = False,
    tags: dict[str, str] | None = None,
) -> str:
    """A bucket. `key`: a KMS key's purpose, or None for what AWS gives by default (SSE-S3).

    `replica` lies in another region; `lists`: access lists are honoured, and the bucket's own is this one; `locked`: Object Lock,
    `retained` with a default retention, `open` without one.
    """
    s3 = world.client("s3", region)
    where = {} if region == HOME else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked is not None, **where)
    arn = f"arn:aws:s3:::{name}"
    if region != HOME:
        world.bucket_regions[arn] = region
    ownership = {"Rules": [{"ObjectOwnership": "ObjectWriter" if lists else "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=ownership)
    if key:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": world.keys[key]}}
        rules = [{**rule, "BucketKeyEnabled": True}]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if blocks != BLOCKS:
        settings = {block: block in blocks for block in BLOCKS}
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=settings)
    if versioning:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    statements = _statements(arn, tls_only, denies_unencrypted, public_read, receives_logs, trail)
    if shared_with:
        partner = {"AWS": f"arn:aws:iam::{shared_with}:root"}
        statements.append(allow("s3:GetObject", f"{arn}/results/*", Sid="Partner", Principal=partner))
    if statements:
        s3.put_bucket_policy(Bucket=name, Policy=document(*statements))
    if logs_to:
        target = {"TargetBucket": logs_to, "TargetPrefix": f"{name}/"}
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": target})
    if lifecycle:
        expiry = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 2557}}
        if old_versions_expire:
            expiry["NoncurrentVersionExpiration"] = {"NoncurrentDays": 365}
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [expiry]})
    if replica:
        destination = {"Bucket": f"arn:aws:s3:::{replica}", "StorageClass": "STANDARD_IA"}
        rule = {"ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""}, "Destination": destination}
        rule["DeleteMarkerReplication"] = {"Status": "Disabled"}
        replication = {"Role": f"arn:aws:iam::{ACCOUNT}:role/openemr-replication", "Rules": [rule]}
        s3.put_bucket_replication(Bucket=name, ReplicationConfiguration=replication)
    if lists:
        s3.put_bucket_acl(Bucket=name, ACL=lists)
    if locked == "retained":
        retention = {"Mode": "GOVERNANCE", "Years": 6}
        configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=configuration)
    if notifies:
        topic = {"TopicArn": f"arn:aws:sns:{HOME}:{ACCOUNT}:openemr-deployment-events", "Events": ["s3:ObjectRemoved:*"]}
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"TopicConfigurations": [topic]})
    if website:
        s3.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    extra = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [*world.tags(name), *extra]})
    world.truth.resource(
        "s3-bucket",
        arn,
        {
            "s3-bucket-customer-key": key is not None and not key.startswith("aws/"),
            "s3-bucket-access-logging": logs_to is not None,
            "s3-bucket-log-target-elsewhere": logs_to != name if logs_to else None,
            "s3-bucket-tls-only": tls_only,
            "s3-bucket-versioning": versioning,
            "s3-bucket-public-access-blocked": set(blocks) == set(BLOCKS),
            "s3-bucket-policy-not-public": not public_read,
            "s3-bucket-replication": replica is not None,
            "s3-bucket-lifecycle": lifecycle,
            "s3-bucket-denies-unencrypted-uploads": denies_unencrypted is not None,
            "s3-bucket-acl-disabled": lists is None,
            "s3-bucket-acl-not-public": lists != "public-read",
            # Nobody can have a bucket without it any more.
            "s3-bucket-default-encryption": True,
            "s3-bucket-object-lock": locked is not None,
            "s3-bucket-lock-retention": locked == "retained" if locked else None,
            "s3-bucket-event-notifications": notifies,
            "s3-bucket-version-lifecycle": lifecycle and old_versions_expire if versioning else None,
            "s3-bucket-mfa-delete": False,
            "s3-bucket-not-website": not website,
            "s3-bucket-policy-status": not public_read,
            "s3-bucket-replica-elsewhere": True if replica else None,
            # Everyone is somebody of another account, too.
            "s3-bucket-accounts": not public_read and shared_with is None,
        },
    )
    return arn


def _statements(
    arn: str, tls_only: bool, denies_unencrypted: str | None, public_read: bool, receives_logs: bool, trail: bool
) -> list[dict[str, Any]]:
    # moto refuses a logging target whose policy names the principal "*"; AWS takes both spellings.
    anybody: Any = {"AWS": "*"} if receives_logs else "*"
    uploads = {"Action": "s3:PutObject", "Resource": f"{arn}/*"}
    statements: list[dict[str, Any]] = []
    if receives_logs:
        statements.append(allow("s3:PutObject", f"{arn}/*", Sid="Logs", Principal={"Service": "logging.s3.amazonaws.com"}))
    if trail:
        service = {"Service": "cloudtrail.amazonaws.com"}
        statements.append(allow("s3:GetBucketAcl", arn, Sid="TrailAcl", Principal=service))
        statements.append(allow("s3:PutObject", f"{arn}/AWSLogs/{ACCOUNT}/*", Sid="TrailWrite", Principal=service))
    if tls_only:
        condition = {"Bool": {"aws:SecureTransport": "false"}}
        secure = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": anybody, "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
        statements.append({**secure, "Condition": condition})
    if denies_unencrypted == "not-kms":
        condition = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
        statements.append({"Sid": "Kms", "Effect": "Deny", "Principal": anybody, **uploads, "Condition": condition})
    if denies_unencrypted == "null":
        condition = {"Null": {"s3:x-amz-server-side-encryption": "true"}}
        statements.append({"Sid": "Encrypted", "Effect": "Deny", "Principal": anybody, **uploads, "Condition": condition})
    if public_read:
        statements.append(allow("s3:GetObject", f"{arn}/*", Sid="Website", Principal="*"))
    return statements


def build_log_buckets(world: Builder) -> None:
    """Where access logs, load balancer logs and CloudTrail's logs go."""
    add_bucket(world, "openemr-access-logs", key="s3", receives_logs=True)
    add_bucket(world, "openemr-elb-logs", key="s3", logs_to="openemr-access-logs", receives_logs=True)
    add_bucket(world, "openemr-cloudtrail-logs", key="s3", logs_to="openemr-access-logs", trail=True, denies_unencrypted=None)


def build_data_buckets(world: Builder) -> None:
    """The deployment's buckets, most of them as its owners claim."""
    add_bucket(world, "openemr-dr-replica", region=SECOND, versioning=True)
    add_bucket(world, "openemr-email-storage", key="s3", logs_to="openemr-access-logs", replica="openemr-dr-replica")
    add_bucket(world, "openemr-ecs-exec", key="s3", logs_to="openemr-access-logs", denies_unencrypted="null")
    add_bucket(world, "openemr-rds-export", key="s3", logs_to="openemr-access-logs")
    add_bucket(world, "openemr-efs-export", key="s3", logs_to="openemr-access-logs", versioning=False, lifecycle=False)


def build_faulty_buckets(world: Builder) -> None:
    """Buckets that break each rule."""
    add_bucket(world, "openemr-legacy-uploads", tls_only=False, denies_unencrypted=None, versioning=False, lifecycle=False)
    add_bucket(
        world,
        "openemr-patient-portal-assets",
        key="aws/s3",
        logs_to="openemr-access-logs",
        public_read=True,
        blocks=(),
        denies_unencrypted=None,
        lists="public-read",
        website=True,
    )
    logs = "openemr-access-logs"
    add_bucket(world, "openemr-archive", key="s3", logs_to=logs, locked="retained", notifies=True, old_versions_expire=True)
    add_bucket(world, "openemr-drafts", key="s3", logs_to=logs, locked="open", lists="private")
    add_bucket(world, "openemr-partner-exchange", key="s3", logs_to=logs, shared_with="999988887777")
    # Two of the four settings are on: that is not blocked.
    add_bucket(world, "openemr-training-videos", key="s3", blocks=BLOCKS[:2], tls_only=False)


def build_self_logging_bucket(world: Builder) -> None:
    """A bucket that logs onto itself: each log entry makes the next."""
    name = "openemr-analytics-access-logs"
    add_bucket(world, name, key="s3", logs_to=name, receives_logs=True)


def build_hostile_bucket(world: Builder) -> None:
    """A bucket whose tag tries to be anything but text."""
    add_bucket(world, "openemr-hostile-tags", key="s3", logs_to="openemr-access-logs", tags={"Note": HOSTILE_TAG})
    world.truth.facts["hostile-tag"] = {"bucket": "openemr-hostile-tags", "key": "Note", "value": HOSTILE_TAG}


def build_hidden_bucket(world: Builder) -> None:
    """A bucket whose policy the auditor may not read: what depends on it cannot be decided."""
    name = "openemr-vendor-exchange"
    arn = add_bucket(world, name, key="s3", logs_to="openemr-access-logs")
    for operation in ("GetBucketPolicy", "GetBucketPolicyStatus"):
        world.control("faults", {"kind": "deny", "service": "s3", "operation": operation, "contains": f"/{name}"})
    hidden = ["s3-bucket-tls-only", "s3-bucket-denies-unencrypted-uploads", "s3-bucket-policy-not-public"]
    world.truth.unknown(arn, *hidden, "s3-bucket-policy-status", "s3-bucket-accounts")


def build_healthlake_buckets(world: Builder) -> None:
    """The second deployment's buckets."""
    add_bucket(world, "synthetic-healthlake-data", key="s3", logs_to="openemr-access-logs", replica="openemr-dr-replica")
    add_bucket(world, "synthetic-healthlake-results", key="aws/s3", logs_to="openemr-access-logs", lifecycle=False)
