"""AWS Backup: a locked vault that a daily plan fills, and one that breaks each rule; what was backed up of everything else.

moto has plans and vaults alone. What is in them is told to the server, in moments of the server's own clock.
"""

import datetime
from typing import Any

from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document
from .truth import UNKNOWN

#: The check by the kind of what is backed up.
KINDS = {
    "dynamodb-table": "dynamodb-table-in-backup-plan",
    "ec2-instance": "ec2-instance-in-backup-plan",
    "ec2-volume": "ebs-volume-in-backup-plan",
    "efs-file-system": "efs-file-system-in-backup-plan",
    "fsx-file-system": "fsx-file-system-in-backup-plan",
    "rds-cluster": "rds-cluster-in-backup-plan",
    "rds-instance": "rds-instance-in-backup-plan",
    "s3-bucket": "s3-bucket-in-backup-plan",
}


def build_vault(world: Builder) -> None:
    """The deployment's vault and plan, and backups of its databases."""
    now = add_vault(world, "openemr-backups", key="central", good=True)
    add_plan(world, "openemr-daily", good=True)
    databases = ["cluster:openemr-aurora", "db:openemr-reporting"]
    world.backed_up |= {f"arn:aws:rds:{HOME}:{ACCOUNT}:{name}" for name in databases}
    tell_backups(world, now)


def build_faulty_vault(world: Builder) -> None:
    """A vault that anybody may empty, a plan that nothing is assigned to, and a bucket that is backed up."""
    now = add_vault(world, "openemr-legacy-backups", key=None, good=False)
    add_plan(world, "openemr-legacy-weekly", good=False)
    world.backed_up.add("arn:aws:s3:::openemr-email-storage")
    tell_backups(world, now)


def add_vault(world: Builder, name: str, *, key: str | None, good: bool) -> datetime.datetime:
    """A vault that keeps every rule, or none. Gives the server's time."""
    backup = world.client("backup")
    encryption = {"EncryptionKeyArn": world.keys[key]} if key else {}
    tags = {"Project": "openemr", "Environment": "production"}
    made = backup.create_backup_vault(BackupVaultName=name, BackupVaultTags=tags, **encryption)
    if good:
        backup.put_backup_vault_lock_configuration(BackupVaultName=name, MinRetentionDays=35)
    now: datetime.datetime = made["CreationDate"]
    arn = made["BackupVaultArn"]
    everybody = document(allow("backup:CopyFromBackupVault", "*", Principal="*"))
    told: dict[str, Any] = {
        "ListRecoveryPointsByBackupVault": {"RecoveryPoints": [_point(arn, now, days=0 if good else 90, encrypted=good)]},
        "GetBackupVaultAccessPolicy": {"BackupVaultName": name, "Policy": document() if good else everybody},
    }
    if good:
        topic = f"arn:aws:sns:{HOME}:{ACCOUNT}:openemr-monitoring-alarms"
        told["GetBackupVaultNotifications"] = {"BackupVaultName": name, "SNSTopicArn": topic, "BackupVaultEvents": ["BACKUP_JOB_COMPLETED"]}
    for operation, answer in told.items():
        world.tell(f"backup:{operation}", answer, BackupVaultName=name)
    world.truth.resource(
        "backup-vault",
        arn,
        {
            "backup-vault-customer-key": key is not None,
            "backup-vault-locked": good,
            "backup-vault-no-manual-deletion": good,
            "backup-vault-policy-not-public": good,
            "backup-vault-recovery-points-encrypted": good,
            "backup-vault-recent-recovery-point": good,
            "backup-vault-events-told": good,
        },
    )
    return now


def _point(vault: str, now: datetime.datetime, *, days: int, encrypted: bool) -> dict[str, Any]:
    made = _moment(now - datetime.timedelta(days=days, hours=1))
    return {
        "RecoveryPointArn": f"arn:aws:backup:{HOME}:{ACCOUNT}:recovery-point:{'encrypted' if encrypted else 'plain'}",
        "BackupVaultArn": vault,
        "ResourceType": "Aurora",
        "Status": "COMPLETED",
        "CreationDate": made,
        "CompletionDate": made,
        "IsEncrypted": encrypted,
    }


def _moment(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def add_plan(world: Builder, name: str, *, good: bool) -> None:
    """A plan: every day, kept for 35 days, copied to another region and assigned; or weekly, for a week, to nothing."""
    rule: dict[str, Any] = {
        "RuleName": "only",
        "TargetBackupVaultName": "openemr-backups",
        "ScheduleExpression": "cron(0 5 ? * * *)" if good else "cron(0 5 ? * 1 *)",
        "Lifecycle": {"DeleteAfterDays": 35 if good else 7},
    }
    if good:
        rule["CopyActions"] = [{"DestinationBackupVaultArn": f"arn:aws:backup:{SECOND}:{ACCOUNT}:backup-vault:openemr-backups"}]
    made = world.client("backup").create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": [rule]})
    if good:
        plan, selection = made["BackupPlanId"], "11111111-2222-3333-4444-555555555555"
        chosen = {"SelectionName": "tagged", "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/openemr-backup", "Resources": ["*"]}
        selections = [{"SelectionId": selection, "SelectionName": "tagged", "BackupPlanId": plan}]
        world.tell("backup:ListBackupSelections", {"BackupSelectionsList": selections}, BackupPlanId=plan)
        answer = {"BackupPlanId": plan, "SelectionId": selection, "BackupSelection": chosen}
        world.tell("backup:GetBackupSelection", answer, SelectionId=selection)
    outcomes = {"backup-plan-frequency-retention": good, "backup-plan-selects": good, "backup-plan-copies-elsewhere": good}
    world.truth.resource("backup-plan", made["BackupPlanArn"], outcomes)


def tell_backups(world: Builder, now: datetime.datetime) -> None:
    """Tells the server what was backed up, and that a restore was tried."""
    last = _moment(now - datetime.timedelta(hours=1))
    results = [
        {"ResourceArn": arn, "ResourceType": arn.split(":")[2], "LastBackupTime": last} for arn in sorted(world.backed_up)
    ]
    job = {
        "RestoreJobId": "66666666-7777-8888-9999-000000000000",
        "RecoveryPointArn": f"arn:aws:backup:{HOME}:{ACCOUNT}:recovery-point:encrypted",
        "Status": "COMPLETED",
        "ResourceType": "Aurora",
        "CreationDate": last,
        "CompletionDate": last,
    }
    world.tell("backup:ListProtectedResources", {"Results": results})
    world.tell("backup:ListRestoreJobs", {"RestoreJobs": [job]})


def declare_backups(world: Builder) -> None:
    """Says of everything that was made whether AWS Backup backed it up; to be called last."""
    # With the deployment's plan come its backups and the restore that was tried.
    planned = bool(world.backed_up)
    world.truth.more(f"arn:aws:iam::{ACCOUNT}:root", {"account-backup-plan": planned, "account-restore-tested": planned})
    for arn, kind in list(world.truth.resources.items()):
        if kind in KINDS:
            # Of a bucket in a region that is not in scope nobody asks AWS Backup.
            asked = world.bucket_regions.get(arn, HOME) in world.truth.regions
            world.truth.more(arn, {KINDS[kind]: arn in world.backed_up if asked else UNKNOWN})
