"""KMS keys: central and S3 keys as the deployment has them, and keys that break each rule."""

from typing import Any

from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document
from .truth import checks_of

ADMINISTRATION = allow("kms:*", "*", Sid="Administration", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})


def add_key(
    world: Builder,
    purpose: str,
    *,
    region: str = HOME,
    rotation: bool = True,
    rotation_days: int = 365,
    public: bool = False,
    state: str = "Enabled",
    spec: str = "SYMMETRIC_DEFAULT",
    shared_with: str | None = None,
    enclave: str | None = None,
) -> str:
    """A customer managed key with an alias. `enclave`: of an enclave, `attested` or `open` to whoever may use it."""
    kms = world.client("kms", region)
    statements: list[dict[str, Any]] = [ADMINISTRATION]
    if public:
        statements.append(allow(["kms:Decrypt", "kms:Encrypt"], "*", Sid="Anybody", Principal="*"))
    if shared_with:
        statements.append(allow("kms:Decrypt", "*", Sid="Other", Principal={"AWS": f"arn:aws:iam::{shared_with}:root"}))
    if enclave:
        attested = {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": "ab" * 48}}
        # Whoever administers the key does not use it.
        administration = {**ADMINISTRATION, "Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:Get*", "kms:List*", "kms:Put*"]}
        use = allow(["kms:Decrypt"], "*", Sid="Enclave", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/openemr-ecs-task"})
        statements = [administration, {**use, "Condition": attested} if enclave == "attested" else use]
    usage = "ENCRYPT_DECRYPT" if spec == "SYMMETRIC_DEFAULT" else "SIGN_VERIFY"
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in world.tags(f"openemr-{purpose}")]
    if enclave:
        tags.append({"TagKey": "enclave-key", "TagValue": "true"})
    made = kms.create_key(Description=f"openemr {purpose}", KeySpec=spec, KeyUsage=usage, Policy=document(*statements), Tags=tags)
    arn = made["KeyMetadata"]["Arn"]
    key = made["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/openemr-{purpose}", TargetKeyId=key)
    if rotation:
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=rotation_days)
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
            # Everyone is somebody of another account, too.
            "kms-key-accounts": not public and shared_with is None,
            "kms-key-rotation-yearly": rotation_days <= 365 if rotation and rotates else None,
            "kms-key-single-region": True,
            "kms-key-usable": state == "Enabled",
            "kms-key-enclave-attested": enclave == "attested" if enclave else None,
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
        dict.fromkeys(checks_of("kms-key")),
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
    add_key(world, "seldom", rotation_days=2560)
    add_key(world, "laboratory", shared_with="999988887777")
    add_key(world, "enclave", enclave="attested")
    add_key(world, "enclave-legacy", enclave="open")
    partner = add_key(world, "partner")
    world.control("faults", {"kind": "deny", "service": "kms", "operation": "GetKeyRotationStatus", "contains": partner.rsplit("/", 1)[1]})
    world.truth.unknown(partner, "kms-key-rotation-enabled", "kms-key-rotation-yearly")
