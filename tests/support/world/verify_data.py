"""Reads databases, stores and backups back through the API, for verify.py.

One table a kind: how its resources are read, and what each check asks of one.
"""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from .builder import ACCOUNT

Facts = dict[str, Any]
Outcome = bool | str | None
Rows = Iterator[tuple[str, str, dict[str, Outcome]]]
Question = Callable[[Facts], Outcome]
Listed = Iterator[tuple[str, Facts]]
Table = tuple[Callable[[], Listed], dict[str, Question]]


def public(policy: str | None) -> bool:
    """Whether a policy names everybody."""
    return bool(policy) and '"Principal":"*"' in str(policy).replace(" ", "")


def has(name: str) -> Question:
    """It has the member, and it is not empty."""
    return lambda facts: bool(facts.get(name))


def equals(name: str, value: Any) -> Question:
    """The member has this value."""
    return lambda facts: facts.get(name) == value


def lacks(name: str) -> Question:
    """It lacks the member, or it is empty."""
    return lambda facts: not facts.get(name)


def days(name: str) -> Question:
    """A week at least."""
    return lambda facts: facts.get(name, 0) >= 7


class Data:
    """Reads one account; `reader` makes the clients."""

    def __init__(self, reader: Any) -> None:
        self.client = reader.client
        self.regions: list[str] = reader.regions
        self.open = {subnet for region in self.regions for subnet in _open_subnets(self.client("ec2", region))}

    def private(self, subnets: list[str]) -> bool:
        """Whether no subnet leads to an internet gateway."""
        return not self.open & set(subnets)

    def each(self, service: str, operation: str, member: str, arn: str) -> Callable[[], Listed]:
        """The resources that one list holds with all their facts, in every region."""

        def listed() -> Listed:
            for region in self.regions:
                for one in getattr(self.client(service, region), operation)()[member]:
                    yield one[arn], one

        return listed

    def rows(self) -> Rows:
        """Everything that is read here."""
        for kind, (listed, questions) in self.kinds().items():
            for arn, facts in listed():
                yield kind, arn, {check: question(facts) for check, question in questions.items()}

    def given(self) -> Rows:
        """What holds of the account and its regions themselves."""
        backup = self.client("backup")
        vaults, plans = backup.list_backup_vaults()["BackupVaultList"], backup.list_backup_plans()["BackupPlansList"]
        yield "aws-account", f"arn:aws:iam::{ACCOUNT}:root", {
            "account-backup-plan": bool(plans),
            "account-restore-tested": bool(vaults and backup.list_restore_jobs()["RestoreJobs"]),
        }
        for region in self.regions:
            glue = self.client("glue", region)
            settings = str(glue.get_data_catalog_encryption_settings())
            block = self.client("emr", region).get_block_public_access_configuration()["BlockPublicAccessConfiguration"]
            yield "aws-region", f"arn:aws:ec2:{region}:{ACCOUNT}:region/{region}", {
                "glue-catalog-policy-not-public": not public(glue.get_resource_policy().get("PolicyInJson")),
                "glue-catalog-encrypted": "SSE-KMS" in settings if glue.get_databases()["DatabaseList"] else None,
                "glue-catalog-passwords-encrypted": "AwsKmsKeyId" in settings if glue.get_connections()["ConnectionList"] else None,
                "emr-public-access-blocked": block["BlockPublicSecurityGroupRules"],
            }

    def backed_up(self) -> set[str]:
        """What has a recovery point."""
        backup = self.client("backup")
        if not backup.list_backup_vaults()["BackupVaultList"]:
            return set()
        return {one["ResourceArn"] for one in backup.list_protected_resources()["Results"]}

    def kinds(self) -> dict[str, Table]:
        """The tables."""
        return {
            "rds-instance": (
                self.each("rds", "describe_db_instances", "DBInstances", "DBInstanceArn"),
                {
                    "rds-instance-own-port": lambda one: one["Endpoint"]["Port"] not in (3306, 5432),
                    "rds-instance-own-admin-name": equals("MasterUsername", "openemr_owner"),
                    "rds-instance-certificate-authority": equals("CACertificateIdentifier", "rds-ca-rsa2048-g1"),
                    "rds-instance-copies-tags": has("CopyTagsToSnapshot"),
                    "rds-instance-managed-password": has("MasterUserSecret"),
                    "rds-instance-events-told": lambda one: self._told("db-instance", one["DBInstanceIdentifier"], 3),
                    "rds-instance-parameter-events-told": lambda one: self._told(
                        "db-parameter-group", one["DBParameterGroups"][0]["DBParameterGroupName"], 1
                    ),
                },
            ),
            "rds-cluster": (
                self.each("rds", "describe_db_clusters", "DBClusters", "DBClusterArn"),
                {
                    "rds-cluster-own-port": lambda one: one["Port"] != 3306,
                    "rds-cluster-own-admin-name": equals("MasterUsername", "openemr_owner"),
                    "rds-cluster-copies-tags": has("CopyTagsToSnapshot"),
                    "rds-cluster-backtrack": has("BacktrackWindow"),
                    "rds-cluster-log-exports": lambda one: "audit" in one.get("EnabledCloudwatchLogsExports", []),
                    "rds-cluster-multi-az": has("MultiAZ"),
                    "rds-cluster-managed-password": has("MasterUserSecret"),
                    "rds-cluster-events-told": lambda one: self._told("db-cluster", one["DBClusterIdentifier"], 2),
                },
            ),
            "rds-snapshot": (
                self.each("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotArn"),
                {"rds-snapshot-encrypted": has("Encrypted")},
            ),
            "rds-cluster-snapshot": (
                self.each("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots", "DBClusterSnapshotArn"),
                {"rds-cluster-snapshot-encrypted": has("StorageEncrypted")},
            ),
            "rds-subnet-group": (
                self.each("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupArn"),
                {"rds-subnet-group-private": lambda one: self.private([subnet["SubnetIdentifier"] for subnet in one["Subnets"]])},
            ),
            "rds-proxy": (
                self.each("rds", "describe_db_proxies", "DBProxies", "DBProxyArn"),
                {"rds-proxy-requires-tls": has("RequireTLS")},
            ),
            "dynamodb-table": (
                self._tables,
                {
                    "dynamodb-table-point-in-time-recovery": equals("recovery", "ENABLED"),
                    "dynamodb-table-customer-key": has("SSEDescription"),
                    "dynamodb-table-deletion-protection": has("DeletionProtectionEnabled"),
                    "dynamodb-table-scales": lambda one: len(one["scales"]) == 2,
                    "dynamodb-table-throughput-limit": lambda one: one["ProvisionedThroughput"]["ReadCapacityUnits"] <= one["limit"],
                    "dynamodb-table-policy-not-public": lambda one: not public(one["policy"]),
                },
            ),
            "dax-cluster": (
                self.each("dax", "describe_clusters", "Clusters", "ClusterArn"),
                {
                    "dax-cluster-encrypted": lambda one: one["SSEDescription"]["Status"] == "ENABLED",
                    "dax-cluster-tls": equals("ClusterEndpointEncryptionType", "TLS"),
                },
            ),
            "redshift-cluster": (
                self._warehouses,
                {
                    "redshift-cluster-customer-key": has("KmsKeyId"),
                    "redshift-cluster-not-public": lacks("PubliclyAccessible"),
                    "redshift-cluster-vpc-routing": has("EnhancedVpcRouting"),
                    "redshift-cluster-snapshots": days("AutomatedSnapshotRetentionPeriod"),
                    "redshift-cluster-maintenance": has("AllowVersionUpgrade"),
                    "redshift-cluster-own-admin-name": equals("MasterUsername", "warehouse_owner"),
                    "redshift-cluster-private-subnets": lambda one: self.private(one["subnets"]),
                    "redshift-cluster-audit-logging": has("logging"),
                    "redshift-cluster-activity-logging": lambda one: one["parameters"]["enable_user_activity_logging"] == "true",
                    "redshift-cluster-tls-required": lambda one: one["parameters"]["require_ssl"] == "true",
                    "redshift-cluster-multi-az": equals("MultiAZ", "Enabled"),
                },
            ),
            "efs-file-system": (
                self._file_systems,
                {
                    "efs-file-system-customer-key": has("KmsKeyId"),
                    "efs-file-system-automatic-backups": equals("backups", "ENABLED"),
                    "efs-file-system-tls-only": lambda one: "SecureTransport" in one["policy"],
                    "efs-file-system-policy-not-public": lambda one: "openemr-task" in one["policy"],
                },
            ),
            "efs-mount-target": (self._mount_targets, {"efs-mount-target-private": lambda one: self.private([one["SubnetId"]])}),
            "efs-access-point": (
                self.each("efs", "describe_access_points", "AccessPoints", "AccessPointArn"),
                {
                    "efs-access-point-root-directory": lambda one: one.get("RootDirectory", {}).get("Path", "/") != "/",
                    "efs-access-point-user": has("PosixUser"),
                },
            ),
            "fsx-file-system": (
                self.each("fsx", "describe_file_systems", "FileSystems", "ResourceARN"),
                {
                    "fsx-file-system-backups": lambda one: one["WindowsConfiguration"]["AutomaticBackupRetentionDays"] >= 7,
                    "fsx-file-system-audit-log": lambda one: "SUCCESS_AND_FAILURE" in str(one["WindowsConfiguration"]),
                },
            ),
            "backup-vault": (
                self._vaults,
                {
                    "backup-vault-customer-key": has("EncryptionKeyArn"),
                    "backup-vault-locked": has("Locked"),
                    "backup-vault-no-manual-deletion": has("Locked"),
                    "backup-vault-policy-not-public": lambda one: not public(one["policy"]),
                    "backup-vault-recovery-points-encrypted": lambda one: all(point["IsEncrypted"] for point in one["points"]),
                    "backup-vault-recent-recovery-point": lambda one: (one["now"] - one["points"][0]["CreationDate"]).days <= 2,
                    "backup-vault-events-told": has("topic"),
                },
            ),
            "backup-plan": (
                self._plans,
                {
                    "backup-plan-frequency-retention": lambda one: one["Rules"][0]["Lifecycle"]["DeleteAfterDays"] >= 35,
                    "backup-plan-selects": has("selections"),
                    "backup-plan-copies-elsewhere": lambda one: "CopyActions" in one["Rules"][0],
                },
            ),
        }

    def _told(self, source_type: str, source: str, categories: int) -> bool:
        answers = (self.client("rds", region).describe_event_subscriptions() for region in self.regions)
        found = (one for answer in answers for one in answer["EventSubscriptionsList"])
        mine = (one for one in found if one["SourceType"] == source_type and source in one["SourceIdsList"])
        return any(len(one["EventCategoriesList"]) == categories for one in mine)

    def _tables(self) -> Listed:
        for region in self.regions:
            dynamodb = self.client("dynamodb", region)
            targets = self.client("application-autoscaling", region).describe_scalable_targets(ServiceNamespace="dynamodb")
            for name in dynamodb.list_tables()["TableNames"]:
                table = dynamodb.describe_table(TableName=name)["Table"]
                backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
                try:
                    policy = dynamodb.get_resource_policy(ResourceArn=table["TableArn"])["Policy"]
                except dynamodb.exceptions.PolicyNotFoundException:
                    policy = None
                facts = {
                    "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
                    "scales": [one for one in targets["ScalableTargets"] if one["ResourceId"] == f"table/{name}"],
                    "limit": dynamodb.describe_limits()["AccountMaxReadCapacityUnits"] * 0.8,
                    "policy": policy,
                }
                yield table["TableArn"], {**table, **facts}

    def _warehouses(self) -> Listed:
        for region in self.regions:
            redshift = self.client("redshift", region)
            for one in redshift.describe_clusters()["Clusters"]:
                name = one["ClusterIdentifier"]
                parameters = redshift.describe_cluster_parameters(ParameterGroupName=one["ClusterParameterGroups"][0]["ParameterGroupName"])
                group = redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=one["ClusterSubnetGroupName"])
                facts = {
                    "logging": redshift.describe_logging_status(ClusterIdentifier=name)["LoggingEnabled"],
                    "parameters": {each["ParameterName"]: each.get("ParameterValue") for each in parameters["Parameters"]},
                    "subnets": [each["SubnetIdentifier"] for each in group["ClusterSubnetGroups"][0]["Subnets"]],
                }
                yield f"arn:aws:redshift:{region}:{ACCOUNT}:cluster:{name}", {**one, **facts}

    def _file_systems(self) -> Listed:
        for region in self.regions:
            efs = self.client("efs", region)
            for one in efs.describe_file_systems()["FileSystems"]:
                system = one["FileSystemId"]
                try:
                    policy = efs.describe_file_system_policy(FileSystemId=system)["Policy"]
                except efs.exceptions.PolicyNotFound:
                    policy = ""
                try:
                    backups = efs.describe_backup_policy(FileSystemId=system)["BackupPolicy"]["Status"]
                except efs.exceptions.PolicyNotFound:
                    backups = "DISABLED"
                yield one["FileSystemArn"], {**one, "policy": policy, "backups": backups}

    def _mount_targets(self) -> Listed:
        for region in self.regions:
            efs = self.client("efs", region)
            for system in efs.describe_file_systems()["FileSystems"]:
                for one in efs.describe_mount_targets(FileSystemId=system["FileSystemId"])["MountTargets"]:
                    yield f"arn:aws:elasticfilesystem:{region}:{ACCOUNT}:mount-target/{one['MountTargetId']}", one

    def _vaults(self) -> Listed:
        for region in self.regions:
            backup = self.client("backup", region)
            for one in backup.list_backup_vaults()["BackupVaultList"]:
                name = one["BackupVaultName"]
                policy = backup.get_backup_vault_access_policy(BackupVaultName=name)["Policy"]
                try:
                    topic = backup.get_backup_vault_notifications(BackupVaultName=name)["SNSTopicArn"]
                except backup.exceptions.ClientError:
                    topic = None
                points = backup.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
                facts = {"policy": policy, "topic": topic, "points": points, "now": datetime.datetime.now(datetime.timezone.utc)}
                yield one["BackupVaultArn"], {**one, **facts}

    def _plans(self) -> Listed:
        for region in self.regions:
            backup = self.client("backup", region)
            for one in backup.list_backup_plans()["BackupPlansList"]:
                plan = backup.get_backup_plan(BackupPlanId=one["BackupPlanId"])["BackupPlan"]
                selections = backup.list_backup_selections(BackupPlanId=one["BackupPlanId"])["BackupSelectionsList"]
                yield one["BackupPlanArn"], {**plan, "selections": selections}


def _open_subnets(ec2: Any) -> set[str]:
    tables = ec2.describe_route_tables()["RouteTables"]
    open_tables = [table for table in tables if any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])]
    associated = {one["SubnetId"] for table in tables for one in table["Associations"] if "SubnetId" in one}
    found = {one["SubnetId"] for table in open_tables for one in table["Associations"] if "SubnetId" in one}
    main = {table["VpcId"] for table in open_tables if any(one.get("Main") for one in table["Associations"])}
    subnets = ec2.describe_subnets()["Subnets"]
    return found | {one["SubnetId"] for one in subnets if one["VpcId"] in main and one["SubnetId"] not in associated}
