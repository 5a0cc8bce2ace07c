"""RDS: the Aurora cluster and a reporting database as claimed, one of each that breaks every rule, and snapshots."""

from typing import Any

from .builder import ACCOUNT, HOME, Builder


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:rds:{HOME}:{ACCOUNT}:{kind}:{name}"


def _parameter(name: str, value: str) -> dict[str, Any]:
    """A parameter as it is set; moto knows neither the others of a group nor where a value comes from."""
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}


def add_cluster(world: Builder, name: str, *, protected: bool, key: str | None, retention: int, iam: bool, tls: bool) -> None:
    """An Aurora cluster with a parameter group of its own: moto has no default ones for clusters."""
    group = f"{name}-parameters"
    world.client("rds").create_db_cluster_parameter_group(
        DBClusterParameterGroupName=group, DBParameterGroupFamily="aurora-mysql8.0", Description=f"Of {name}"
    )
    world.client("rds").modify_db_cluster_parameter_group(
        DBClusterParameterGroupName=group, Parameters=[_parameter("require_secure_transport", "ON" if tls else "OFF")]
    )
    encryption: dict[str, Any] = {"StorageEncrypted": True, "KmsKeyId": world.keys[key]} if key else {}
    world.client("rds").create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-mysql",
        EngineVersion="8.0.mysql_aurora.3.08.0",
        DBClusterParameterGroupName=group,
        MasterUsername="admin",
        MasterUserPassword="Correct-Horse-7-Battery",
        DeletionProtection=protected,
        BackupRetentionPeriod=retention,
        EnableIAMDatabaseAuthentication=iam,
        EnableCloudwatchLogsExports=["audit", "error"] if iam else [],
        Tags=world.tags(name),
        **encryption,
    )
    world.truth.resource(
        "rds-cluster",
        _arn("cluster", name),
        {
            "rds-cluster-customer-key": key is not None,
            "rds-cluster-deletion-protection": protected,
            "rds-cluster-backup-retention": retention >= 7,
            "rds-cluster-iam-authentication": iam,
            "rds-cluster-tls-required": tls,
        },
    )
    # Backups that RDS makes by itself cannot be shared: the check is about manual ones.
    for snapshot in world.client("rds").describe_db_cluster_snapshots(DBClusterIdentifier=name)["DBClusterSnapshots"]:
        arn = snapshot["DBClusterSnapshotArn"]
        world.truth.resource("rds-cluster-snapshot", arn, {"rds-cluster-snapshot-not-public": None})


def add_cluster_snapshot(world: Builder, cluster: str, name: str, *, shared_with: str | None = None) -> None:
    """A manual snapshot of a cluster. `shared_with`: an account, or `all` for everybody."""
    rds = world.client("rds")
    rds.create_db_cluster_snapshot(DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=name)
    if shared_with:
        rds.modify_db_cluster_snapshot_attribute(
            DBClusterSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=[shared_with]
        )
    arn = _arn("cluster-snapshot", name)
    world.truth.resource("rds-cluster-snapshot", arn, {"rds-cluster-snapshot-not-public": shared_with != "all"})


def add_instance(world: Builder, name: str, *, good: bool, key: str | None, retention: int) -> None:
    """A database instance that keeps every rule, or (apart from its key and retention) none."""
    encryption: dict[str, Any] = {"StorageEncrypted": True, "KmsKeyId": world.keys[key]} if key else {"StorageEncrypted": False}
    monitoring = {"MonitoringInterval": 60, "MonitoringRoleArn": world.made["monitoring-role"]} if good else {}
    group = f"{name}-parameters"
    world.client("rds").create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres16", Description=f"Of {name}"
    )
    world.client("rds").modify_db_parameter_group(
        DBParameterGroupName=group, Parameters=[_parameter("rds.force_ssl", "1" if good else "0")]
    )
    world.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        EngineVersion="16.4",
        DBParameterGroupName=group,
        DBInstanceClass="db.t3.medium",
        AllocatedStorage=100,
        MasterUsername="admin",
        MasterUserPassword="Correct-Horse-7-Battery",
        VpcSecurityGroupIds=[world.made["openemr-database"]],
        PubliclyAccessible=not good,
        DeletionProtection=good,
        BackupRetentionPeriod=retention,
        MultiAZ=good,
        EnableIAMDatabaseAuthentication=good,
        EnableCloudwatchLogsExports=["postgresql", "upgrade"] if good else [],
        AutoMinorVersionUpgrade=good,
        Tags=world.tags(name),
        **monitoring,
        **encryption,
    )
    world.truth.resource(
        "rds-instance",
        _arn("db", name),
        {
            "rds-instance-customer-key": key is not None,
            "rds-instance-not-public": good,
            "rds-instance-deletion-protection": good,
            "rds-instance-backup-retention": retention >= 7,
            "rds-instance-multi-az": good,
            "rds-instance-iam-authentication": good,
            "rds-instance-log-exports": good,
            "rds-instance-minor-upgrades": good,
            "rds-instance-enhanced-monitoring": good,
            "rds-instance-tls-required": good,
        },
    )
    # Backups that RDS makes by itself cannot be shared: the check is about manual ones.
    for snapshot in world.client("rds").describe_db_snapshots(DBInstanceIdentifier=name)["DBSnapshots"]:
        world.truth.resource("rds-snapshot", snapshot["DBSnapshotArn"], {"rds-snapshot-not-public": None})


def add_snapshot(world: Builder, instance: str, name: str, *, shared_with: str | None = None) -> None:
    """A manual snapshot. `shared_with`: an account, or `all` for everybody."""
    rds = world.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier=instance, DBSnapshotIdentifier=name, Tags=world.tags(name))
    if shared_with:
        rds.modify_db_snapshot_attribute(DBSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=[shared_with])
    world.truth.resource("rds-snapshot", _arn("snapshot", name), {"rds-snapshot-not-public": shared_with != "all"})


def build_databases(world: Builder) -> None:
    """The deployment's Aurora cluster, and the reporting database with a snapshot."""
    add_cluster(world, "openemr-aurora", protected=True, key="database", retention=14, iam=True, tls=True)
    add_cluster_snapshot(world, "openemr-aurora", "openemr-aurora-before-upgrade")
    add_instance(world, "openemr-reporting", good=True, key="database", retention=14)
    add_snapshot(world, "openemr-reporting", "openemr-reporting-quarterly")


def build_faulty_databases(world: Builder) -> None:
    """Databases that break each rule, and snapshots in strangers' hands."""
    add_cluster(world, "openemr-training", protected=False, key=None, retention=1, iam=False, tls=False)
    add_cluster_snapshot(world, "openemr-training", "openemr-training-handout", shared_with="all")
    # Shared with one partner: not public.
    add_cluster_snapshot(world, "openemr-aurora", "openemr-aurora-for-partner", shared_with="210987654321")
    add_instance(world, "openemr-legacy", good=False, key=None, retention=1)
    add_snapshot(world, "openemr-legacy", "openemr-legacy-migration", shared_with="all")
    # Shared with one partner: not public.
    add_snapshot(world, "openemr-reporting", "openemr-reporting-for-partner", shared_with="210987654321")
