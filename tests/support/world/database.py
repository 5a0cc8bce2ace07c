"""RDS: the Aurora cluster and a reporting database as claimed, one of each that breaks every rule, and snapshots."""

from typing import Any

from .builder import ACCOUNT, HOME, Builder


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:rds:{HOME}:{ACCOUNT}:{kind}:{name}"


def _parameter(name: str, value: str) -> dict[str, Any]:
    """A parameter as it is set; moto knows neither the others of a group nor where a value comes from."""
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}


def add_cluster(
    world: Builder, name: str, *, protected: bool, key: str | None, retention: int, iam: bool, tls: bool, careful: bool, told: bool = False
) -> None:
    """An Aurora cluster with a parameter group of its own: moto has no default ones for clusters.

    `careful`: port, log-in and snapshots are not as the console proposes them; `told`: a subscription tells of its events.
    """
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
        Port=3307 if careful else 3306,
        MasterUsername="openemr_owner" if careful else "admin",
        MasterUserPassword="Correct-Horse-7-Battery",
        CopyTagsToSnapshot=careful,
        BacktrackWindow=86400 if careful else 0,
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
            "rds-cluster-own-port": careful,
            "rds-cluster-own-admin-name": careful,
            "rds-cluster-copies-tags": careful,
            "rds-cluster-backtrack": careful,
            "rds-cluster-log-exports": iam,
            "rds-cluster-events-told": told,
            # moto's clusters stand in one zone, whatever their members do.
            "rds-cluster-multi-az": False,
            # Nobody handed a password over to RDS.
            "rds-cluster-managed-password": False,
        },
    )
    if told:
        _subscribe(world, "db-cluster", name, ["failure", "maintenance"])
    # Backups that RDS makes by itself cannot be shared: the check is about manual ones.
    for snapshot in world.client("rds").describe_db_cluster_snapshots(DBClusterIdentifier=name)["DBClusterSnapshots"]:
        arn = snapshot["DBClusterSnapshotArn"]
        outcomes = {"rds-cluster-snapshot-not-public": None, "rds-cluster-snapshot-encrypted": key is not None}
        world.truth.resource("rds-cluster-snapshot", arn, outcomes)


def _subscribe(world: Builder, source_type: str, source: str, categories: list[str]) -> None:
    """Tells the alarms' topic of events of one source."""
    world.client("rds").create_event_subscription(
        SubscriptionName=f"{source}-{source_type}-events",
        SnsTopicArn=f"arn:aws:sns:{HOME}:{ACCOUNT}:openemr-monitoring-alarms",
        SourceType=source_type,
        SourceIds=[source],
        EventCategories=categories,
        Enabled=True,
    )


def add_cluster_snapshot(world: Builder, cluster: str, name: str, *, shared_with: str | None = None, encrypted: bool = True) -> None:
    """A manual snapshot of a cluster. `shared_with`: an account, or `all` for everybody."""
    rds = world.client("rds")
    rds.create_db_cluster_snapshot(DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=name)
    if shared_with:
        rds.modify_db_cluster_snapshot_attribute(
            DBClusterSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=[shared_with]
        )
    outcomes = {"rds-cluster-snapshot-not-public": shared_with != "all", "rds-cluster-snapshot-encrypted": encrypted}
    world.truth.resource("rds-cluster-snapshot", _arn("cluster-snapshot", name), outcomes)


def add_instance(world: Builder, name: str, *, good: bool, key: str | None, retention: int, told: bool = False) -> None:
    """A database instance that keeps every rule, or (apart from its key and retention) none.

    `told`: subscriptions tell of its events and of changes of its parameters.
    """
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
        Port=6432 if good else 5432,
        MasterUsername="openemr_owner" if good else "postgres",
        MasterUserPassword="Correct-Horse-7-Battery",
        CACertificateIdentifier="rds-ca-rsa2048-g1" if good else "rds-ca-2019",
        CopyTagsToSnapshot=good,
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
            "rds-instance-own-port": good,
            "rds-instance-own-admin-name": good,
            "rds-instance-certificate-authority": good,
            "rds-instance-copies-tags": good,
            "rds-instance-events-told": told,
            "rds-instance-parameter-events-told": told,
            # moto has no Performance Insights.
            "rds-instance-performance-insights-key": None,
            # Nobody handed a password over to RDS.
            "rds-instance-managed-password": False,
        },
    )
    if told:
        _subscribe(world, "db-instance", name, ["configuration change", "failure", "maintenance"])
        _subscribe(world, "db-parameter-group", group, ["configuration change"])
    # Backups that RDS makes by itself cannot be shared: the check is about manual ones.
    for snapshot in world.client("rds").describe_db_snapshots(DBInstanceIdentifier=name)["DBSnapshots"]:
        outcomes = {"rds-snapshot-not-public": None, "rds-snapshot-encrypted": key is not None}
        world.truth.resource("rds-snapshot", snapshot["DBSnapshotArn"], outcomes)


def add_snapshot(world: Builder, instance: str, name: str, *, shared_with: str | None = None, encrypted: bool = True) -> None:
    """A manual snapshot. `shared_with`: an account, or `all` for everybody."""
    rds = world.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier=instance, DBSnapshotIdentifier=name, Tags=world.tags(name))
    if shared_with:
        rds.modify_db_snapshot_attribute(DBSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=[shared_with])
    outcomes = {"rds-snapshot-not-public": shared_with != "all", "rds-snapshot-encrypted": encrypted}
    world.truth.resource("rds-snapshot", _arn("snapshot", name), outcomes)


def add_subnet_group(world: Builder, name: str, subnets: list[str], *, private: bool) -> None:
    """A subnet group; `private`: none of its subnets leads to an internet gateway."""
    made = world.client("rds").create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription=f"Of {name}", SubnetIds=[world.made[subnet] for subnet in subnets]
    )
    world.truth.resource("rds-subnet-group", made["DBSubnetGroup"]["DBSubnetGroupArn"], {"rds-subnet-group-private": private})


def add_proxy(world: Builder, name: str, *, requires_tls: bool) -> None:
    """A proxy in the private subnets."""
    made = world.client("rds").create_db_proxy(
        DBProxyName=name,
        EngineFamily="MYSQL",
        Auth=[],
        RoleArn=world.made["monitoring-role"],
        VpcSubnetIds=[world.made["openemr-private-a"], world.made["openemr-private-b"]],
        RequireTLS=requires_tls,
    )
    world.truth.resource("rds-proxy", made["DBProxy"]["DBProxyArn"], {"rds-proxy-requires-tls": requires_tls})


def build_databases(world: Builder) -> None:
    """The deployment's Aurora cluster, and the reporting database with a snapshot."""
    add_cluster(world, "openemr-aurora", protected=True, key="database", retention=14, iam=True, tls=True, careful=True, told=True)
    add_cluster_snapshot(world, "openemr-aurora", "openemr-aurora-before-upgrade")
    add_instance(world, "openemr-reporting", good=True, key="database", retention=14, told=True)
    add_snapshot(world, "openemr-reporting", "openemr-reporting-quarterly")


def build_faulty_databases(world: Builder) -> None:
    """Databases that break each rule, and snapshots in strangers' hands."""
    add_cluster(world, "openemr-training", protected=False, key=None, retention=1, iam=False, tls=False, careful=False)
    add_cluster_snapshot(world, "openemr-training", "openemr-training-handout", shared_with="all", encrypted=False)
    # Shared with one partner: not public.
    add_cluster_snapshot(world, "openemr-aurora", "openemr-aurora-for-partner", shared_with="210987654321")
    add_instance(world, "openemr-legacy", good=False, key=None, retention=1)
    add_snapshot(world, "openemr-legacy", "openemr-legacy-migration", shared_with="all", encrypted=False)
    # Shared with one partner: not public.
    add_snapshot(world, "openemr-reporting", "openemr-reporting-for-partner", shared_with="210987654321")
    add_subnet_group(world, "openemr-private", ["openemr-private-a", "openemr-private-b"], private=True)
    add_subnet_group(world, "openemr-legacy", ["openemr-private-a", "openemr-public-b"], private=False)
    add_proxy(world, "openemr-pool", requires_tls=True)
    add_proxy(world, "openemr-legacy-pool", requires_tls=False)
