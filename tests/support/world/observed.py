"""What only fixed answers can show: findings of the services that watch, and instances that Systems Manager manages.

The answers are the same in every region; the services that a region has not turned on are not asked there.
"""

from typing import Any

from .builder import ACCOUNT, HOME, Builder

MOMENT = "2026-05-01T00:00:00Z"
PATCHED, UNPATCHED = "i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60002"


def _systems_manager() -> dict[str, Any]:
    instances = [
        {"InstanceId": name, "PingStatus": "Online", "LastPingDateTime": MOMENT, "ResourceType": "EC2Instance", "IsLatestVersion": True}
        for name in (PATCHED, UNPATCHED)
    ]
    summaries = [
        {"ComplianceType": kind, "ResourceType": "ManagedInstance", "ResourceId": name, "Status": status, "OverallSeverity": "CRITICAL"}
        for name, kind, status in (
            (PATCHED, "Patch", "COMPLIANT"),
            (PATCHED, "Association", "COMPLIANT"),
            (UNPATCHED, "Patch", "NON_COMPLIANT"),
            (UNPATCHED, "Association", "NON_COMPLIANT"),
        )
    ]
    return {
        "ssm:DescribeInstanceInformation": {"InstanceInformationList": instances},
        "ssm:DescribeInstancePatchStates": {"InstancePatchStates": []},
        "ssm:ListResourceComplianceSummaries": {"ResourceComplianceSummaryItems": summaries},
    }


def _findings() -> dict[str, Any]:
    on = {"status": "ENABLED", "errorCode": "ALREADY_ENABLED", "errorMessage": ""}
    account = {"accountId": ACCOUNT, "state": on, "resourceState": {"ec2": on, "ecr": on, "lambda": on}}
    hole = {
        "findingArn": f"arn:aws:inspector2:{HOME}:{ACCOUNT}:finding/8d1f3b0e7a434c6c9b551f6f6c1a2b3c",
        "awsAccountId": ACCOUNT,
        "title": "CVE-2026-0001 - openssl",
        "type": "PACKAGE_VULNERABILITY",
        "severity": "CRITICAL",
        "status": "ACTIVE",
        "fixAvailable": "YES",
        "firstObservedAt": MOMENT,
        "lastObservedAt": MOMENT,
        "resources": [{"type": "AWS_EC2_INSTANCE", "id": UNPATCHED}],
    }
    intrusion = {
        "AccountId": ACCOUNT,
        "Arn": f"arn:aws:guardduty:{HOME}:{ACCOUNT}:detector/12abc34d567e8fa901bc2d34e56789f0/finding/16afba5c5c43e07c9e3e5e2e544e95df",
        "Id": "16afba5c5c43e07c9e3e5e2e544e95df",
        "Region": HOME,
        "SchemaVersion": "2.0",
        "Title": "Credentials of an instance are used from outside",
        "Type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        "Severity": 8.0,
        "Resource": {"ResourceType": "AccessKey"},
        "CreatedAt": MOMENT,
        "UpdatedAt": MOMENT,
    }
    failed = {
        "SchemaVersion": "2018-10-08",
        "Id": f"arn:aws:securityhub:{HOME}:{ACCOUNT}:security-control/IAM.4/finding/2b3c4d5e-0000-4000-8000-000000000001",
        "AwsAccountId": ACCOUNT,
        "Title": "IAM root user access key should not exist",
        "Severity": {"Label": "CRITICAL"},
        "Compliance": {"Status": "FAILED", "SecurityControlId": "IAM.4"},
        "Workflow": {"Status": "NEW"},
        "Resources": [{"Type": "AwsAccount", "Id": f"AWS::::Account:{ACCOUNT}"}],
        "CreatedAt": MOMENT,
        "UpdatedAt": MOMENT,
    }
    return {
        "inspector2:BatchGetAccountStatus": {"accounts": [account], "failedAccounts": []},
        "inspector2:ListFindings": {"findings": [hole]},
        "inspector2:ListCoverage": {"coveredResources": []},
        "guardduty:ListFindings": {"FindingIds": [intrusion["Id"]]},
        "guardduty:GetFindings": {"Findings": [intrusion]},
        "securityhub:GetFindings": {"Findings": [failed]},
        "macie2:GetMacieSession": {"status": "ENABLED", "findingPublishingFrequency": "FIFTEEN_MINUTES"},
    }


def _standards() -> dict[str, Any]:
    standards = {name: f"arn:aws:securityhub:{HOME}:{ACCOUNT}:subscription/{name}" for name in ("nist-800-53/v/5.0.0",)}
    subscriptions = [
        {
            "StandardsSubscriptionArn": arn,
            "StandardsArn": f"arn:aws:securityhub:{HOME}::standards/{name}",
            "StandardsInput": {},
            "StandardsStatus": "READY",
        }
        for name, arn in standards.items()
    ]
    control = {"ControlId": "IAM.6", "ControlStatus": "DISABLED", "Title": "Hardware MFA for root", "SeverityRating": "CRITICAL"}
    return {
        "securityhub:GetEnabledStandards": {"StandardsSubscriptions": subscriptions},
        "securityhub:DescribeStandardsControls": {"Controls": [control]},
    }


def build_observed(world: Builder) -> None:
    """Inspector and Macie are on, and every service has found something; before the regions are declared."""
    standards = _standards()
    world.control("fixtures", {**_systems_manager(), **_findings(), **standards})
    world.made["observed"] = "yes"
    for region in world.truth.regions:
        for name in (PATCHED, UNPATCHED):
            good = name == PATCHED
            arn = f"arn:aws:ec2:{region}:{ACCOUNT}:instance/{name}"
            world.truth.resource("ssm-managed-instance", arn, {"ssm-instance-patched": good, "ssm-instance-associations": good})
    for one in standards["securityhub:GetEnabledStandards"]["StandardsSubscriptions"]:
        # A control is switched off, and nobody says why.
        arn = one["StandardsSubscriptionArn"]
        world.truth.resource("securityhub-standard", arn, {"securityhub-controls-disabled-with-reason": False})


def of_region(world: Builder, *, watched: bool) -> dict[str, bool | str | None]:
    """What the checks of a region must find of these services; Security Hub and GuardDuty are on where it is watched."""
    observed = "observed" in world.made
    return {
        "guardduty-no-high-findings": not observed if watched else None,
        "securityhub-enabled": watched,
        "securityhub-standards": observed if watched else None,
        "securityhub-no-critical-findings": False if observed and watched else None,
        "inspector-enabled": observed,
        "inspector-findings-mended": False if observed else None,
        "macie-enabled": observed,
        "macie-automated-discovery": False if observed else None,
    }
