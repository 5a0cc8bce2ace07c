"""IAM: people, service users, roles, groups and policies, with credentials of every age."""

from typing import Any

from .builder import ACCOUNT, Builder, allow, assumed_by, document

AWS_POLICY = "arn:aws:iam::aws:policy/"
ADMINISTRATOR = AWS_POLICY + "AdministratorAccess"
EVERYTHING = document(allow("*", "*"))
OTHER_ACCOUNT = "999988887777"


def add_user(
    world: Builder,
    name: str,
    *,
    group: str | None = None,
    password_used_days: int | None = None,
    mfa: bool = False,
    key_days: tuple[int, int] | None = None,
    key_active: bool = True,
    second_key: bool = False,
    inline: dict[str, str] | None = None,
    attached: str | None = None,
) -> str:
    """A user. `password_used_days`: has a password, used that long ago; `key_days`: age and last use of an access key.

    The rules: keys of at most 90 days, credentials used within 45 days.
    """
    iam = world.client("iam")
    arn: str = iam.create_user(UserName=name, Tags=world.tags(name))["User"]["Arn"]
    if group:
        iam.add_user_to_group(GroupName=group, UserName=name)
    dates: dict[str, Any] = {"account": ACCOUNT, "user": name, "created_days": 600}
    if password_used_days is not None:
        iam.create_login_profile(UserName=name, Password="Correct-Horse-7-Battery", PasswordResetRequired=False)
        dates["password_used_days"] = password_used_days
    if mfa:
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(UserName=name, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321")
    if key_days:
        key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        dates["keys"] = {key: {"created_days": key_days[0], "used_days": key_days[1]}}
        if not key_active:
            iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    if second_key:
        key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
        dates.setdefault("keys", {})[key] = {"created_days": 10, "used_days": 1}
    for policy, text in (inline or {}).items():
        iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=text)
    if attached:
        iam.attach_user_policy(UserName=name, PolicyArn=attached)
    world.control("age", dates)
    key_age, key_unused = key_days if key_days and key_active else (0, 0)
    world.truth.resource(
        "iam-user",
        arn,
        {
            "iam-user-mfa": mfa if password_used_days is not None else None,
            "iam-user-no-inline-policies": not inline,
            "iam-user-no-attached-policies": attached is None,
            "iam-access-keys-rotated": key_age <= 90 if key_age else None,
            "iam-credentials-used": (password_used_days or 0) <= 45 and key_unused <= 45,
            "iam-user-in-group": group is not None,
            "iam-user-one-access-key": not second_key,
            "iam-user-no-admin": attached != ADMINISTRATOR and EVERYTHING not in (inline or {}).values(),
            **_inline("user", *(inline or {}).values()),
        },
    )
    return arn


#: What documents of the worlds allow that they should not, by the ends of the checks' ids.
BROAD = {
    EVERYTHING: {"no-full-service", "no-kms-decrypt-everywhere", "no-marketplace-subscribe", "no-open-role-passing", "s3-scoped"},
    document(allow("s3:*", "*")): {"no-full-service", "s3-scoped"},
    document(allow("kms:Decrypt", "*")): {"no-kms-decrypt-everywhere"},
    document(allow(["aws-marketplace:*", "ec2:Describe*"], "*")): {"no-full-service", "no-marketplace-subscribe"},
    document(allow("iam:PassRole", "*")): {"no-open-role-passing"},
}


def _inline(kind: str, *documents: str) -> dict[str, bool | str | None]:
    """What the checks of a user's, group's or role's inline policies must find."""
    ends = ["no-full-service", "no-kms-decrypt-everywhere", "no-marketplace-subscribe"]
    ends += ["no-open-role-passing", "s3-scoped"] if kind == "role" else []
    broken = set().union(*(BROAD.get(one, set()) for one in documents))
    return {f"iam-{kind}-inline-{end}": end not in broken for end in ends}


def add_policy(world: Builder, name: str, text: str, *, admin: bool = False) -> str:
    """A customer managed policy."""
    made = world.client("iam").create_policy(PolicyName=name, PolicyDocument=text, Tags=world.tags(name))
    arn: str = made["Policy"]["Arn"]
    broken = BROAD[EVERYTHING] if admin else BROAD.get(text, set())
    contents = {f"iam-policy-{end}": end not in broken for end in BROAD[EVERYTHING]}
    world.truth.resource("iam-policy", arn, {"iam-policy-no-admin": not admin, **contents})
    return arn


def add_role(
    world: Builder,
    name: str,
    service: str,
    *,
    attached: list[str] | None = None,
    inline: str | None = None,
    admin: bool = False,
    trusts: str | None = None,
) -> str:
    """A role. `admin`: what is attached or inline makes it an administrator; `trusts`: an account in place of the service, or `*`."""
    iam = world.client("iam")
    trust = assumed_by(service)
    if trusts:
        who = "*" if trusts == "*" else f"arn:aws:iam::{trusts}:root"
        trust = document({"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=world.tags(name))["Role"]["Arn"]
    for policy in attached or []:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    if inline:
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=inline)
    world.truth.resource(
        "iam-role",
        arn,
        {
            "iam-role-no-inline-policies": inline is None,
            "iam-role-no-admin": not admin,
            "iam-role-trust-not-public": trusts != "*",
            "iam-role-trusted-accounts": trusts in (None, ACCOUNT),
            # All of them were made today.
            "iam-role-used": True,
            **_inline("role", *filter(None, [inline])),
        },
    )
    return arn


def add_group(world: Builder, name: str, *, attached: str | None = None, inline: str | None = None, members: bool = True) -> None:
    """A group. `members`: users will be added to it."""
    iam = world.client("iam")
    arn = iam.create_group(GroupName=name)["Group"]["Arn"]
    if attached:
        iam.attach_group_policy(GroupName=name, PolicyArn=attached)
    if inline:
        iam.put_group_policy(GroupName=name, PolicyName="inline", PolicyDocument=inline)
    world.truth.resource(
        "iam-group",
        arn,
        {
            "iam-group-no-inline-policies": inline is None,
            "iam-group-has-users": members,
            "iam-group-no-admin": attached != ADMINISTRATOR and inline != EVERYTHING,
            **_inline("group", *filter(None, [inline])),
        },
    )


def build_roles(world: Builder) -> None:
    """The roles that the deployment's services run under, and its people's groups."""
    records = ["arn:aws:s3:::openemr-email-storage/*", "arn:aws:s3:::openemr-ecs-exec/*"]
    task = add_policy(world, "openemr-task-access", document(allow(["s3:GetObject", "s3:PutObject"], records)))
    # A denial of everything is no administration.
    add_policy(world, "openemr-quarantine", document({"Effect": "Deny", "Action": "*", "Resource": "*"}))
    execution = AWS_POLICY + "service-role/AmazonECSTaskExecutionRolePolicy"
    add_role(world, "openemr-ecs-task", "ecs-tasks.amazonaws.com", attached=[task])
    add_role(world, "openemr-ecs-execution", "ecs-tasks.amazonaws.com", attached=[execution])
    add_role(world, "openemr-cloudtrail", "cloudtrail.amazonaws.com")
    add_role(world, "openemr-replication", "s3.amazonaws.com")
    monitoring = AWS_POLICY + "service-role/AmazonRDSEnhancedMonitoringRole"
    world.made["monitoring-role"] = add_role(world, "openemr-rds-monitoring", "monitoring.rds.amazonaws.com", attached=[monitoring])
    config = AWS_POLICY + "service-role/AWS_ConfigRole"
    world.made["config-role"] = add_role(world, "openemr-config", "config.amazonaws.com", attached=[config])
    logs = document(allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:*:{ACCOUNT}:log-group:/aws/vpc/*"))
    add_role(world, "openemr-flow-logs", "vpc-flow-logs.amazonaws.com", inline=logs)
    add_group(world, "administrators", attached=ADMINISTRATOR)
    add_group(world, "auditors", attached=AWS_POLICY + "SecurityAudit")


def build_people(world: Builder) -> None:
    """The deployment's users: an administrator as it should be, one without MFA, and the SMTP service user."""
    add_user(world, "alice.admin", group="administrators", password_used_days=3, mfa=True)
    add_user(world, "bob.analyst", group="auditors", password_used_days=12)
    mail = document(allow("ses:SendRawEmail", "*", Condition={"StringLike": {"ses:FromAddress": "*@openemr.example"}}))
    add_user(world, "openemr-smtp", key_days=(40, 1), inline={"send-mail": mail})


def build_faulty_people(world: Builder) -> None:
    """Users, roles, groups and policies that break each rule."""
    add_user(world, "carol.legacy", group="auditors", password_used_days=2, mfa=True, key_days=(400, 2))
    add_user(world, "dave.departed", group="auditors", password_used_days=120, mfa=True)
    attached = AWS_POLICY + "ReadOnlyAccess"
    # Her old access key is switched off: it needs no rotation.
    add_user(world, "erin.contractor", password_used_days=20, mfa=True, key_days=(500, 300), key_active=False, attached=attached)
    add_user(world, "synthetic-healthlake-deployer", key_days=(60, 100))
    everything = add_policy(world, "openemr-break-glass", document(allow(["*"], ["*"])), admin=True)
    add_role(world, "openemr-break-glass", "ec2.amazonaws.com", attached=[AWS_POLICY + "AdministratorAccess"], admin=True)
    add_role(world, "synthetic-healthlake-glue", "glue.amazonaws.com", inline=EVERYTHING, admin=True)
    add_group(world, "contractors", inline=document(allow("s3:ListAllMyBuckets", "*")), members=False)
    add_group(world, "operators", inline=EVERYTHING, members=False)
    add_user(world, "frank.operator", group="auditors", key_days=(20, 1), second_key=True, inline={"all": EVERYTHING})
    add_user(world, "grace.root", group="auditors", attached=ADMINISTRATOR)
    for name, text in zip(("storage", "decryption", "purchases", "roles"), list(BROAD)[1:], strict=True):
        add_policy(world, f"openemr-all-{name}", text)
        add_role(world, f"openemr-inline-{name}", "lambda.amazonaws.com", inline=text)
    add_role(world, "openemr-vendor", "", trusts=OTHER_ACCOUNT)
    add_role(world, "openemr-colleagues", "", trusts=ACCOUNT)
    add_role(world, "openemr-anybody", "", trusts="*")
    world.made["admin-policy"] = everything
    # The server lets it hold for years.
    arn = world.client("iam").create_saml_provider(Name="openemr-office", SAMLMetadataDocument="m" * 1024)["SAMLProviderArn"]
    world.truth.resource("iam-saml-provider", arn, {"iam-saml-provider-valid": True})
    for host, audiences in (("token.actions.example", ["sts.amazonaws.com"]), ("login.example", [])):
        made = world.client("iam").create_open_id_connect_provider(
            Url=f"https://{host}", ClientIDList=audiences, ThumbprintList=["a" * 40]
        )
        arn = made["OpenIDConnectProviderArn"]
        world.truth.resource("iam-oidc-provider", arn, {"iam-oidc-provider-audience": bool(audiences)})


def set_account(
    world: Builder, *, root_mfa: bool, root_key: bool, password_length: int | None, blocks_public_access: bool, kept: bool = True
) -> dict[str, bool | str | None]:
    """The account's own settings, and what the checks of the account must find of them. No length: no password policy.

    `kept`: somebody may open cases with AWS, and AWS knows whom to call.
    """
    if kept:
        add_role(world, "openemr-incidents", "ssm-incidents.amazonaws.com", attached=[AWS_POLICY + "AWSSupportAccess"])
        whom = {"Name": "Security", "Title": "On duty", "EmailAddress": "security@openemr.example", "PhoneNumber": "+1 555 0100"}
        world.client("account").put_alternate_contact(AlternateContactType="SECURITY", **whom)
    world.control("root", {"account": ACCOUNT, "mfa": root_mfa, "access_key": root_key})
    if password_length is not None:
        world.client("iam").update_account_password_policy(
            MinimumPasswordLength=password_length,
            RequireSymbols=True,
            RequireNumbers=True,
            RequireUppercaseCharacters=True,
            RequireLowercaseCharacters=True,
            MaxPasswordAge=90,
            PasswordReusePrevention=24,
        )
    if blocks_public_access:
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        settings = dict.fromkeys(names, True)
        world.client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=settings)
    has_policy = password_length is not None
    return {
        "iam-root-mfa": root_mfa,
        # No virtual device is the root user's.
        "iam-root-hardware-mfa": root_mfa,
        "iam-root-not-used": True,
        "iam-password-uppercase": has_policy,
        "iam-password-lowercase": has_policy,
        "iam-password-symbols": has_policy,
        "iam-password-numbers": has_policy,
        "iam-password-expiry": has_policy,
        "iam-support-role": kept,
        "account-security-contact": kept,
        "iam-no-cloudshell-full-access": True,
        "iam-root-no-access-keys": not root_key,
        "iam-password-policy": (password_length or 0) >= 14,
        "s3-account-public-access-blocked": blocks_public_access,
    }
