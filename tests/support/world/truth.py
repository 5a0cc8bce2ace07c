"""The ground truth: what each check must find for each resource, said by the code that made the resource."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PASS, FAIL, UNKNOWN = "pass", "fail", "indeterminate"

#: The checks by the kind of resource that they judge.
CHECKS: dict[str, tuple[str, ...]] = {
    "kms-key": ("kms-key-rotation-enabled", "kms-key-not-pending-deletion", "kms-key-policy-not-public"),
    "s3-bucket": (
        "s3-bucket-customer-key",
        "s3-bucket-access-logging",
        "s3-bucket-log-target-elsewhere",
        "s3-bucket-tls-only",
        "s3-bucket-versioning",
        "s3-bucket-public-access-blocked",
        "s3-bucket-policy-not-public",
        "s3-bucket-replication",
        "s3-bucket-lifecycle",
        "s3-bucket-denies-unencrypted-uploads",
    ),
    "aws-account": (
        "s3-account-public-access-blocked",
        "iam-root-mfa",
        "iam-root-no-access-keys",
        "iam-password-policy",
        "cloudtrail-multi-region",
    ),
    "iam-user": (
        "iam-user-mfa",
        "iam-user-no-inline-policies",
        "iam-user-no-attached-policies",
        "iam-access-keys-rotated",
        "iam-credentials-used",
    ),
    "iam-policy": ("iam-policy-no-admin",),
    "iam-role": ("iam-role-no-inline-policies", "iam-role-no-admin"),
    "iam-group": ("iam-group-no-inline-policies",),
    "ec2-vpc": ("vpc-flow-logs",),
    "ec2-security-group": (
        "security-group-default-closed",
        "security-group-no-open-admin-ports",
        "security-group-egress-restricted",
    ),
    "ec2-subnet": ("subnet-no-public-ip",),
    "ec2-network-acl": ("network-acl-no-open-admin-ports",),
    "ec2-route-table": ("route-table-no-open-internet-route",),
    "ec2-vpc-endpoint": ("vpc-endpoint-policy-restricted",),
    "rds-instance": (
        "rds-instance-customer-key",
        "rds-instance-not-public",
        "rds-instance-deletion-protection",
        "rds-instance-backup-retention",
        "rds-instance-multi-az",
        "rds-instance-iam-authentication",
        "rds-instance-log-exports",
        "rds-instance-minor-upgrades",
        "rds-instance-enhanced-monitoring",
        "rds-instance-tls-required",
    ),
    "rds-cluster": (
        "rds-cluster-customer-key",
        "rds-cluster-deletion-protection",
        "rds-cluster-backup-retention",
        "rds-cluster-iam-authentication",
        "rds-cluster-tls-required",
    ),
    "rds-snapshot": ("rds-snapshot-not-public",),
    "rds-cluster-snapshot": ("rds-cluster-snapshot-not-public",),
    "cloudtrail-trail": (
        "cloudtrail-log-validation",
        "cloudtrail-customer-key",
        "cloudtrail-cloudwatch-logs",
        "cloudtrail-logging",
    ),
    "logs-log-group": ("log-group-encrypted", "log-group-retention"),
    "sns-topic": ("sns-topic-encrypted", "sns-topic-tls-only"),
    "secretsmanager-secret": ("secret-customer-key", "secret-rotation"),
    "elbv2-load-balancer": (
        "load-balancer-deletion-protection",
        "load-balancer-access-logs",
        "load-balancer-drops-invalid-headers",
    ),
    "elbv2-listener": ("listener-current-tls-policy", "listener-http-redirected"),
    "aws-region": ("config-recorder-recording", "guardduty-enabled", "ebs-default-encryption"),
}


@dataclass
class Truth:
    """What holds in a world."""

    account: str
    regions: list[str]
    findings: dict[str, dict[str, str]] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    excerpts: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def resource(self, kind: str, arn: str, outcomes: dict[str, bool | str | None]) -> None:
        """Declares a resource with the outcome of every check of its kind: True passes, False fails, None does not apply."""
        if set(outcomes) != set(CHECKS[kind]):
            raise ValueError(f"{arn}: outcomes must name exactly the checks of {kind}: {set(outcomes) ^ set(CHECKS[kind])}")
        if arn in self.resources:
            raise ValueError(f"{arn} is declared twice")
        self.resources[arn] = kind
        for check, outcome in outcomes.items():
            if outcome is not None:
                text = outcome if isinstance(outcome, str) else (PASS if outcome else FAIL)
                self.findings.setdefault(check, {})[arn] = text

    def unknown(self, arn: str, *checks: str) -> None:
        """Declares that checks cannot be decided, because a fault keeps their evidence away."""
        for check in checks:
            self.findings[check][arn] = UNKNOWN

    def write(self, path: Path) -> None:
        """Writes `ground-truth.json`."""
        kinds: dict[str, list[str]] = {}
        for arn, kind in self.resources.items():
            kinds.setdefault(kind, []).append(arn)
        content = {
            "account": self.account,
            "regions": self.regions,
            "resources": {kind: sorted(arns) for kind, arns in sorted(kinds.items())},
            "findings": {check: dict(sorted(found.items())) for check, found in sorted(self.findings.items())},
            "excerpts": self.excerpts,
            **self.facts,
        }
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
