"""Stores beside the databases: DynamoDB and DAX, Redshift, EFS, FSx; of each one as it should be and one that breaks its rules."""

from typing import Any

from .builder import ACCOUNT, HOME, Builder, allow, document

READS, WRITES = "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits"


def build_stores(world: Builder) -> None:
    """All of them."""
    add_table(world, "openemr-sessions", good=True)
    add_table(world, "openemr-legacy-index", good=False)
    for good in (True, False):
        name = "openemr" if good else "openemr-legacy"
        add_accelerator(world, f"{name}-dax", good=good)
        add_warehouse(world, f"{name}-warehouse", good=good)
        add_files(world, f"{name}-sites", good=good)
        add_windows_files(world, good=good)


def add_table(world: Builder, name: str, *, good: bool) -> None:
    """A table; the good one scales, can be restored and is backed up."""
    dynamodb = world.client("dynamodb")
    settings: dict[str, Any] = {}
    if good:
        settings["SSESpecification"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": world.keys["central"]}
    made = dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PROVISIONED",
        # The region's limit is 20,000 here: the rule is at most 80 % of it.
        ProvisionedThroughput={"ReadCapacityUnits": 16000 if good else 16001, "WriteCapacityUnits": 5},
        DeletionProtectionEnabled=good,
        Tags=world.tags(name),
        **settings,
    )
    arn = made["TableDescription"]["TableArn"]
    everybody = document(allow("dynamodb:GetItem", arn, Principal="*"))
    if good:
        recovery = {"PointInTimeRecoveryEnabled": True}
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
        world.backed_up.add(arn)
    else:
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=everybody)
    for dimension in [READS, WRITES] if good else [READS]:
        world.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="dynamodb", ResourceId=f"table/{name}", ScalableDimension=dimension, MinCapacity=1, MaxCapacity=10
        )
    world.truth.resource(
        "dynamodb-table",
        arn,
        {
            "dynamodb-table-point-in-time-recovery": good,
            "dynamodb-table-customer-key": good,
            "dynamodb-table-deletion-protection": good,
            "dynamodb-table-scales": good,
            "dynamodb-table-throughput-limit": good,
            "dynamodb-table-policy-not-public": good,
        },
    )


def add_accelerator(world: Builder, name: str, *, good: bool) -> None:
    """A DAX cluster."""
    made = world.client("dax").create_cluster(
        ClusterName=name,
        NodeType="dax.t3.small",
        ReplicationFactor=3,
        IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/openemr-dax",
        SSESpecification={"Enabled": good},
        ClusterEndpointEncryptionType="TLS" if good else "NONE",
        Tags=world.tags(name),
    )
    outcomes = {"dax-cluster-encrypted": good, "dax-cluster-tls": good}
    world.truth.resource("dax-cluster", made["Cluster"]["ClusterArn"], outcomes)


def add_warehouse(world: Builder, name: str, *, good: bool) -> None:
    """A Redshift cluster. What moto cannot be told is wrong with both: TLS, audit logs and the log of statements."""
    redshift = world.client("redshift")
    subnets = ["openemr-private-a", "openemr-private-b"] if good else ["openemr-private-a", "openemr-public-b"]
    redshift.create_cluster_subnet_group(
        ClusterSubnetGroupName=name, Description=f"Of {name}", SubnetIds=[world.made[subnet] for subnet in subnets]
    )
    redshift.create_cluster_parameter_group(ParameterGroupName=name, ParameterGroupFamily="redshift-1.0", Description=f"Of {name}")
    encryption: dict[str, Any] = {"Encrypted": True, "KmsKeyId": world.keys["central"]} if good else {"Encrypted": False}
    redshift.create_cluster(
        ClusterIdentifier=name,
        NodeType="ra3.xlplus",
        MasterUsername="warehouse_owner" if good else "awsuser",
        MasterUserPassword="Correct1HorseBattery",
        ClusterSubnetGroupName=name,
        ClusterParameterGroupName=name,
        PubliclyAccessible=not good,
        EnhancedVpcRouting=good,
        AutomatedSnapshotRetentionPeriod=14 if good else 1,
        AllowVersionUpgrade=good,
        Tags=world.tags(name),
        **encryption,
    )
    world.truth.resource(
        "redshift-cluster",
        f"arn:aws:redshift:{HOME}:{ACCOUNT}:cluster:{name}",
        {
            "redshift-cluster-customer-key": good,
            "redshift-cluster-not-public": good,
            "redshift-cluster-vpc-routing": good,
            "redshift-cluster-snapshots": good,
            "redshift-cluster-maintenance": good,
            "redshift-cluster-own-admin-name": good,
            "redshift-cluster-private-subnets": good,
            "redshift-cluster-audit-logging": False,
            "redshift-cluster-activity-logging": False,
            "redshift-cluster-tls-required": False,
            "redshift-cluster-multi-az": False,
        },
    )


def add_files(world: Builder, name: str, *, good: bool) -> None:
    """An EFS file system with a mount target and an access point."""
    efs = world.client("efs")
    encryption: dict[str, Any] = {"Encrypted": True, "KmsKeyId": world.keys["central"]} if good else {"Encrypted": False}
    made = efs.create_file_system(CreationToken=name, Backup=good, Tags=world.tags(name), **encryption)
    system, arn = made["FileSystemId"], made["FileSystemArn"]
    if good:
        role = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/openemr-task"}
        deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "*", "Resource": arn}
        deny["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
        efs.put_file_system_policy(FileSystemId=system, Policy=document(allow("elasticfilesystem:ClientMount", arn, Principal=role), deny))
        world.backed_up.add(arn)
    world.truth.resource(
        "efs-file-system",
        arn,
        {
            "efs-file-system-customer-key": good,
            "efs-file-system-automatic-backups": good,
            "efs-file-system-tls-only": good,
            "efs-file-system-policy-not-public": good,
        },
    )
    subnet = world.made["openemr-private-a" if good else "openemr-public-a"]
    target = efs.create_mount_target(FileSystemId=system, SubnetId=subnet)["MountTargetId"]
    target_arn = f"arn:aws:elasticfilesystem:{HOME}:{ACCOUNT}:mount-target/{target}"
    world.truth.resource("efs-mount-target", target_arn, {"efs-mount-target-private": good})
    narrow: dict[str, Any] = {"PosixUser": {"Uid": 1000, "Gid": 1000}, "RootDirectory": {"Path": "/sites"}} if good else {}
    point = efs.create_access_point(ClientToken=name, FileSystemId=system, Tags=world.tags(name), **narrow)["AccessPointArn"]
    world.truth.resource("efs-access-point", point, {"efs-access-point-root-directory": good, "efs-access-point-user": good})


def add_windows_files(world: Builder, *, good: bool) -> None:
    """An FSx file system for Windows."""
    level = "SUCCESS_AND_FAILURE" if good else "DISABLED"
    made = world.client("fsx").create_file_system(
        FileSystemType="WINDOWS",
        StorageCapacity=300,
        SubnetIds=[world.made["openemr-private-a"]],
        KmsKeyId=world.keys["central"],
        WindowsConfiguration={
            "ThroughputCapacity": 8,
            "AutomaticBackupRetentionDays": 14 if good else 0,
            "AuditLogConfiguration": {"FileAccessAuditLogLevel": level, "FileShareAccessAuditLogLevel": level},
        },
    )
    outcomes = {"fsx-file-system-backups": good, "fsx-file-system-audit-log": good}
    world.truth.resource("fsx-file-system", made["FileSystem"]["ResourceARN"], outcomes)
