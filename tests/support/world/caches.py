"""Caches and indexes: ElastiCache, MemoryDB, OpenSearch; of each one as it should be and one that breaks its rules."""

from typing import Any

from .builder import ACCOUNT, HOME, Builder, allow, document
from .truth import UNKNOWN


def build_caches(world: Builder) -> None:
    """All of them."""
    subnets = [world.made["openemr-private-a"], world.made["openemr-private-b"]]
    world.client("elasticache").create_cache_subnet_group(
        CacheSubnetGroupName="openemr-private", CacheSubnetGroupDescription="Private", SubnetIds=subnets
    )
    for good in (True, False):
        name = "openemr" if good else "legacy"
        add_replication_group(world, f"{name}-sessions", good=good)
        add_cache_cluster(world, f"{name}-queue", "redis", good=good)
        add_cache_cluster(world, f"{name}-pages", "memcached", good=good)
        add_memory_database(world, f"{name}-orders", good=good)
        add_domain(world, f"{name}-search", good=good)


def add_replication_group(world: Builder, name: str, *, good: bool) -> None:
    """A replication group of Redis."""
    settings: dict[str, Any] = {}
    if good:
        settings = {
            "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True,
            "MultiAZEnabled": True,
            "AtRestEncryptionEnabled": True,
            "KmsKeyId": world.keys["central"],
            "TransitEncryptionEnabled": True,
            "AuthToken": "Correct-Horse-7-Battery",
            "SnapshotRetentionLimit": 14,
        }
    made = world.client("elasticache").create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription=f"Of {name}",
        Engine="redis",
        CacheNodeType="cache.t3.small",
        AutoMinorVersionUpgrade=good,
        Tags=world.tags(name),
        **settings,
    )
    group = "elasticache-replication-group"
    rules = ["encrypted", "customer-key", "tls", "authentication", "backups", "failover", "multi-az", "minor-upgrades"]
    outcomes: dict[str, bool | str | None] = {f"{group}-{rule}": good for rule in rules}
    world.truth.resource(group, made["ReplicationGroup"]["ARN"], outcomes)


def add_cache_cluster(world: Builder, name: str, engine: str, *, good: bool) -> None:
    """A cluster that stands alone."""
    backups = {"SnapshotRetentionLimit": 14 if good else 1} if engine == "redis" else {}
    made = world.client("elasticache").create_cache_cluster(
        CacheClusterId=name,
        Engine=engine,
        CacheNodeType="cache.t3.small",
        NumCacheNodes=1,
        CacheSubnetGroupName="openemr-private" if good else "default",
        TransitEncryptionEnabled=good,
        Tags=world.tags(name),
        **backups,
    )
    world.truth.resource(
        "elasticache-cluster",
        made["CacheCluster"]["ARN"],
        {
            "elasticache-cluster-tls": good,
            "elasticache-cluster-backups": good if engine == "redis" else None,
            "elasticache-cluster-own-subnet-group": good,
        },
    )


def add_memory_database(world: Builder, name: str, *, good: bool) -> None:
    """A MemoryDB cluster."""
    made = world.client("memorydb").create_cluster(
        ClusterName=name,
        NodeType="db.t4g.small",
        ACLName="openemr-applications" if good else "open-access",
        TLSEnabled=good,
        SnapshotRetentionLimit=14 if good else 0,
        AutoMinorVersionUpgrade=good,
        Tags=world.tags(name),
    )
    cluster = "memorydb-cluster"
    outcomes: dict[str, bool | str | None] = {f"{cluster}-{rule}": good for rule in ("tls", "access-control", "backups", "minor-upgrades")}
    world.truth.resource(cluster, made["Cluster"]["ARN"], outcomes)


def add_domain(world: Builder, name: str, *, good: bool) -> None:
    """An OpenSearch domain."""
    arn = f"arn:aws:es:{HOME}:{ACCOUNT}:domain/{name}"
    principal: Any = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/openemr-task"} if good else "*"
    group = {"CloudWatchLogsLogGroupArn": f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:/aws/ecs/openemr", "Enabled": good}
    logs = ["ES_APPLICATION_LOGS", "AUDIT_LOGS", "SEARCH_SLOW_LOGS", "INDEX_SLOW_LOGS"]
    encryption: dict[str, Any] = {"Enabled": True, "KmsKeyId": world.keys["central"]} if good else {"Enabled": False}
    policy = "Policy-Min-TLS-1-2-PFS-2023-10" if good else "Policy-Min-TLS-1-0-2019-07"
    world.client("opensearch").create_domain(
        DomainName=name,
        EngineVersion="OpenSearch_2.11" if good else "Elasticsearch_7.10",
        ClusterConfig={"InstanceType": "m5.large.search", "InstanceCount": 3 if good else 1, "ZoneAwarenessEnabled": good},
        AccessPolicies=document(allow("es:*", f"{arn}/*", Principal=principal)),
        EncryptionAtRestOptions=encryption,
        NodeToNodeEncryptionOptions={"Enabled": good},
        DomainEndpointOptions={"EnforceHTTPS": good, "TLSSecurityPolicy": policy},
        AdvancedSecurityOptions={"Enabled": good},
        LogPublishingOptions={log: group for log in logs},
        TagList=world.tags(name),
    )
    rules = ["encrypted", "customer-key", "node-to-node", "https", "policy-not-public", "error-logs", "audit-logs", "slow-logs"]
    world.truth.resource(
        "opensearch-domain",
        arn,
        {
            **{f"opensearch-domain-{rule}": good for rule in [*rules, "fine-grained-access", "fault-tolerant"]},
            # moto gives no domain a VPC, and does not say whether an update waits.
            "opensearch-domain-in-vpc": False,
            "opensearch-domain-updated": UNKNOWN,
        },
    )
