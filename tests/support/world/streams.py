"""What data passes through: Kinesis, MSK, MQ, DMS, SES and Beanstalk; of each one as it should be and one that breaks its rules."""

from typing import Any

from .builder import ACCOUNT, HOME, Builder, allow, document


def build_streams(world: Builder) -> None:
    """All of them."""
    for good in (True, False):
        name = "openemr" if good else "openemr-legacy"
        add_stream(world, f"{name}-events", good=good)
        add_broker(world, f"{name}-messages", good=good)
        add_environment(world, f"{name}-portal", good=good)
    add_topics(world)
    add_movers(world)
    add_mail(world)


def add_stream(world: Builder, name: str, *, good: bool) -> None:
    """A Kinesis stream."""
    kinesis = world.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    if good:
        kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=world.keys["central"])
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=168)
    arn = f"arn:aws:kinesis:{HOME}:{ACCOUNT}:stream/{name}"
    world.truth.resource("kinesis-stream", arn, {"kinesis-stream-encrypted": good, "kinesis-stream-retention": good})


def add_topics(world: Builder) -> None:
    """MSK clusters. moto forgets half of what one is made with, so the server is told."""
    told = []
    for good in (True, False):
        name = "openemr-topics" if good else "openemr-legacy-topics"
        arn = f"arn:aws:kafka:{HOME}:{ACCOUNT}:cluster/{name}/01234567-89ab-cdef-0123-456789abcdef-1"
        access = {"PublicAccess": {"Type": "DISABLED" if good else "SERVICE_PROVIDED_EIPS"}}
        # MSK names AWS's key where the customer named none.
        key = world.keys["central" if good else "aws/s3"]
        provisioned = {
            "BrokerNodeGroupInfo": {"ClientSubnets": [world.made["openemr-private-a"]], "ConnectivityInfo": access},
            "NumberOfBrokerNodes": 2,
            "EncryptionInfo": {
                "EncryptionAtRest": {"DataVolumeKMSKeyId": key},
                "EncryptionInTransit": {"ClientBroker": "TLS" if good else "TLS_PLAINTEXT", "InCluster": good},
            },
            "ClientAuthentication": {"Unauthenticated": {"Enabled": not good}},
            "EnhancedMonitoring": "PER_TOPIC_PER_BROKER" if good else "DEFAULT",
            "LoggingInfo": {"BrokerLogs": {"CloudWatchLogs": {"Enabled": good, "LogGroup": "/aws/ecs/openemr"}}},
        }
        cluster = {"ClusterType": "PROVISIONED", "ClusterName": name, "ClusterArn": arn, "State": "ACTIVE"}
        told.append({**cluster, "Tags": {}, "Provisioned": provisioned})
        rules = ["clients-use-tls", "brokers-use-tls", "customer-key", "not-public", "authentication", "broker-logs", "enhanced-monitoring"]
        outcomes: dict[str, bool | str | None] = {f"kafka-cluster-{rule}": good for rule in rules}
        world.truth.resource("kafka-cluster", arn, outcomes)
    world.tell("kafka:ListClustersV2", {"ClusterInfoList": told})


def add_broker(world: Builder, name: str, *, good: bool) -> None:
    """An MQ broker of ActiveMQ."""
    made = world.client("mq").create_broker(
        BrokerName=name,
        EngineType="ACTIVEMQ",
        EngineVersion="5.18",
        HostInstanceType="mq.t3.micro",
        DeploymentMode="ACTIVE_STANDBY_MULTI_AZ" if good else "SINGLE_INSTANCE",
        PubliclyAccessible=not good,
        AutoMinorVersionUpgrade=good,
        Users=[{"Username": "openemr", "Password": "Correct-Horse-7-Battery"}],
        Logs={"General": True, "Audit": good},
    )
    outcomes: dict[str, bool | str | None] = {f"mq-broker-{rule}": good for rule in ("not-public", "logs", "minor-upgrades", "standby")}
    world.truth.resource("mq-broker", made["BrokerArn"], outcomes)


def add_movers(world: Builder) -> None:
    """DMS replication instances, and endpoints of a database and of a bucket.

    moto gives the instances moments without an offset, which AWS never does, so the server is told.
    """
    dms = world.client("dms")
    told = []
    for good in (True, False):
        name = "openemr-mover" if good else "openemr-legacy-mover"
        arn = f"arn:aws:dms:{HOME}:{ACCOUNT}:rep:{name}"
        told.append(
            {
                "ReplicationInstanceIdentifier": name,
                "ReplicationInstanceArn": arn,
                "ReplicationInstanceStatus": "available",
                "EngineVersion": "3.5.3",
                "PubliclyAccessible": not good,
                "MultiAZ": good,
                "AutoMinorVersionUpgrade": good,
                "KmsKeyId": world.keys["central"],
            }
        )
        rules = ["not-public", "minor-upgrades", "multi-az"]
        outcomes: dict[str, bool | str | None] = {f"dms-replication-instance-{rule}": good for rule in rules}
        world.truth.resource("dms-replication-instance", arn, outcomes)
        for part, engine in (("source", "mysql"), ("target", "s3")):
            mode = {"SslMode": "require" if good else "none"} if engine == "mysql" else {}
            endpoint = dms.create_endpoint(EndpointIdentifier=f"{name}-{part}", EndpointType=part, EngineName=engine, **mode)
            arn = endpoint["Endpoint"]["EndpointArn"]
            world.truth.resource("dms-endpoint", arn, {"dms-endpoint-tls": good if engine == "mysql" else None})
    world.tell("dms:DescribeReplicationInstances", {"ReplicationInstances": told})


def add_environment(world: Builder, name: str, *, good: bool) -> None:
    """An Elastic Beanstalk environment; moto does not give its settings."""
    beanstalk = world.client("elasticbeanstalk")
    beanstalk.create_application(ApplicationName=name)
    made = beanstalk.create_environment(
        ApplicationName=name, EnvironmentName=name, SolutionStackName="64bit Amazon Linux 2023", Tags=world.tags(name)
    )
    switch = "true" if good else "false"
    options = [
        ("aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled", switch),
        ("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced" if good else "basic"),
        ("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs", switch),
    ]
    settings = [{"Namespace": namespace, "OptionName": option, "Value": value} for namespace, option, value in options]
    answer = {"ConfigurationSettings": [{"ApplicationName": name, "EnvironmentName": name, "OptionSettings": settings}]}
    world.tell("elasticbeanstalk:DescribeConfigurationSettings", answer, EnvironmentName=name)
    kind = "elasticbeanstalk-environment"
    outcomes: dict[str, bool | str | None] = {f"{kind}-{rule}": good for rule in ("managed-updates", "enhanced-health", "logs")}
    world.truth.resource(kind, made["EnvironmentArn"], outcomes)


def add_mail(world: Builder) -> None:
    """A domain that signs and goes through a set that requires TLS, and one without either."""
    for good in (True, False):
        name, group = ("openemr.example", "openemr") if good else ("legacy.openemr.example", "openemr-legacy")
        identity: dict[str, Any] = {
            "IdentityType": "DOMAIN",
            "VerifiedForSendingStatus": True,
            "DkimAttributes": {"SigningEnabled": good, "Status": "SUCCESS" if good else "NOT_STARTED"},
            "Policies": {"partner": document(allow("ses:SendEmail", "*", Principal={"AWS": "210987654321"} if good else "*"))},
            "Tags": [],
        }
        if good:
            identity["ConfigurationSetName"] = group
        world.tell("sesv2:GetEmailIdentity", identity, EmailIdentity=name)
        options = {"DeliveryOptions": {"TlsPolicy": "REQUIRE" if good else "OPTIONAL"}, "ConfigurationSetName": group, "Tags": []}
        world.tell("sesv2:GetConfigurationSet", options, ConfigurationSetName=group)
        arn = f"arn:aws:ses:{HOME}:{ACCOUNT}"
        outcomes = {"sesv2-identity-dkim": good, "sesv2-identity-configuration-set": good, "sesv2-identity-policy-not-public": good}
        world.truth.resource("sesv2-identity", f"{arn}:identity/{name}", outcomes)
        world.truth.resource("sesv2-configuration-set", f"{arn}:configuration-set/{group}", {"sesv2-configuration-set-tls": good})
    names = ["openemr.example", "legacy.openemr.example"]
    identities = [{"IdentityType": "DOMAIN", "IdentityName": name, "SendingEnabled": True} for name in names]
    world.tell("sesv2:ListEmailIdentities", {"EmailIdentities": identities})
    world.tell("sesv2:ListConfigurationSets", {"ConfigurationSets": ["openemr", "openemr-legacy"]})
