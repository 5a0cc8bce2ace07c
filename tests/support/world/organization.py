"""The organization that the account manages: accounts for development and production, and a policy that bounds them."""

from . import alarms
from .builder import Builder, document

EVENTS = (
    "AcceptHandshake AttachPolicy CreateAccount CreateOrganizationalUnit CreatePolicy DeclineHandshake DeleteOrganization "
    "DeleteOrganizationalUnit DeletePolicy DetachPolicy DisablePolicyType EnablePolicyType InviteAccountToOrganization LeaveOrganization "
    "MoveAccount RemoveAccountFromOrganization UpdatePolicy UpdateOrganizationalUnit"
)


def build_organization(world: Builder) -> None:
    """All of it, and the alarm on its changes; staging has no account of its own."""
    organizations = world.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    for name in ("openemr-dev", "openemr-production"):
        organizations.create_account(Email=f"{name}@openemr.example", AccountName=name)
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    content = document({"Effect": "Deny", "Action": ["cloudtrail:StopLogging", "organizations:LeaveOrganization"], "Resource": "*"})
    about = {"Name": "openemr-guardrails", "Description": "Trails stay on", "Type": "SERVICE_CONTROL_POLICY"}
    policy = organizations.create_policy(Content=content, **about)["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=root)
    events = " || ".join(f"($.eventName = {event})" for event in EVENTS.split())
    pattern = f"{{ ($.eventSource = organizations.amazonaws.com) && ({events}) }}"
    alarms.add_trail_alarm(world, "organization-changes", pattern)
    world.made["organization"] = root


def of_account(world: Builder) -> dict[str, bool | str | None]:
    """What the checks of the account must find of the organization: without one, most do not apply."""
    has = "organization" in world.made
    return {
        "account-in-organization": has,
        "organization-all-features": True if has else None,
        "organization-has-control-policies": True if has else None,
        "organization-separate-environments": False if has else None,
        # Its trail is the account's own.
        "cloudtrail-organization-trail": False if has else None,
        "alarm-on-organization-changes": True if has else None,
    }
