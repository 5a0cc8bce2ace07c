"""KMS keys: central and S3 keys as the deployment has them, and keys that break each rule."""

from typing import Any

from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document

ADMINISTRATION = allow("kms:*", "*", Sid="Administration", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})


def add_key(
    world: Builder,
    purpose: str,
    *,
    region: str = HOME,
    rotation: bool = True,
    public: bool = False,
    state: str = "Enabled",
    spec: str = "SYMMETRIC_DEFAULT",
) -> str:
    """A customer managed key with an alias."""
    kms = world.client("kms", region)
    statements: list[dict[str, Any]] = [ADMINISTRATION]
    if public:
        statements.append(allow(["kms:Decrypt", "kms:Encrypt"], "*", Sid="Anybody", Principal="*"))
    usage = "ENCRYPT_DECRYPT" if spec == "SYMMETRIC_DEFAULT" else "SIGN_VERIFY"
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in world.tags(f"openemr-{purpose}")]
    made = kms.create_key(Description=f"openemr {purpose}", KeySpec=spec, KeyUsage=usage, Policy=document(*statements), Tags=tags)
    arn = made["KeyMetadata"]["Arn"]
    key = made["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/openemr-{purpose}", TargetKeyId=key)
    if rotation:
        kms.enable_key_rotation(KeyId=key)
    if state == "Disabled":
        kms.disable_key(KeyId=key)
    elif state == "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    rotates = spec == "SYMMETRIC_DEFAULT" and state == "Enabled"
    world.truth.resource(
        "kms-key",
        arn,
        {
            "kms-key-rotation-enabled": rotation if rotates else None,
            "kms-key-not-pending-deletion": state != "PendingDeletion",
            "kms-key-policy-not-public": not public,
        },
    )
    world.keys[purpose] = arn
    return arn


def add_aws_managed_key(world: Builder, service: str, region: str = HOME) -> str:
    """The key that AWS manages for a service: it exists, and no check judges it."""
    made = world.client("kms", region).describe_key(KeyId=f"alias/aws/{service}")
    arn = made["KeyMetadata"]["Arn"]
    world.truth.resource(
        "kms-key",
        arn,
        {"kms-key-rotation-enabled": None, "kms-key-not-pending-deletion": None, "kms-key-policy-not-public": None},
    )
    world.keys[f"aws/{service}"] = arn
    return arn


def build_keys(world: Builder) -> None:
    """The keys that everything else is encrypted with."""
    add_key(world, "central")
    add_key(world, "s3")
    add_key(world, "database")
    add_aws_managed_key(world, "s3")


def build_faulty_keys(world: Builder) -> None:
    """Keys that break each rule, and one whose rotation cannot be seen."""
    add_key(world, "backup", rotation=False)
    add_key(world, "vendor-share", public=True)
    add_key(world, "retired", rotation=False, state="PendingDeletion")
    add_key(world, "suspended", rotation=False, state="Disabled")
    add_key(world, "document-signing", rotation=False, spec="RSA_2048")
    add_key(world, "central", region=SECOND)
    partner = add_key(world, "partner")
    world.control("faults", {"kind": "deny", "service": "kms", "operation": "GetKeyRotationStatus", "contains": partner.rsplit("/", 1)[1]})
    world.truth.unknown(partner, "kms-key-rotation-enabled")
