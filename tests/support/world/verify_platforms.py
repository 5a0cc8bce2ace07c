"""Reads caches, analytics and streams back through the API, for verify.py; tables as in verify_data.py."""

import json
from typing import Any

from .builder import ACCOUNT
from .truth import UNKNOWN
from .verify_data import Data, Listed, Table, days, equals, has, lacks, public


class Platforms(Data):
    """Reads one account."""

    def __init__(self, reader: Any, customer_keys: set[str]) -> None:
        super().__init__(reader)
        self.customer_keys = customer_keys

    def kinds(self) -> dict[str, Table]:
        """The tables."""
        return {**self._caches(), **self._analytics(), **self._streams()}

    def _caches(self) -> dict[str, Table]:
        group, domain, memory = "elasticache-replication-group", "opensearch-domain", "memorydb-cluster"

        def logs(*names: str) -> Any:
            return lambda one: all(one["LogPublishingOptions"][name]["Enabled"] for name in names)

        return {
            group: (
                self.each("elasticache", "describe_replication_groups", "ReplicationGroups", "ARN"),
                {
                    f"{group}-encrypted": has("AtRestEncryptionEnabled"),
                    f"{group}-customer-key": has("KmsKeyId"),
                    f"{group}-tls": has("TransitEncryptionEnabled"),
                    f"{group}-authentication": has("AuthTokenEnabled"),
                    f"{group}-backups": days("SnapshotRetentionLimit"),
                    f"{group}-failover": equals("AutomaticFailover", "enabled"),
                    f"{group}-multi-az": equals("MultiAZ", "enabled"),
                    f"{group}-minor-upgrades": has("AutoMinorVersionUpgrade"),
                },
            ),
            "elasticache-cluster": (
                self.each("elasticache", "describe_cache_clusters", "CacheClusters", "ARN"),
                {
                    "elasticache-cluster-tls": has("TransitEncryptionEnabled"),
                    "elasticache-cluster-backups": lambda one: days("SnapshotRetentionLimit")(one) if one["Engine"] == "redis" else None,
                    "elasticache-cluster-own-subnet-group": equals("CacheSubnetGroupName", "openemr-private"),
                },
            ),
            memory: (
                self.each("memorydb", "describe_clusters", "Clusters", "ARN"),
                {
                    f"{memory}-tls": has("TLSEnabled"),
                    f"{memory}-access-control": equals("ACLName", "openemr-applications"),
                    f"{memory}-backups": days("SnapshotRetentionLimit"),
                    f"{memory}-minor-upgrades": has("AutoMinorVersionUpgrade"),
                },
            ),
            domain: (
                self._domains,
                {
                    f"{domain}-encrypted": lambda one: one["EncryptionAtRestOptions"]["Enabled"],
                    f"{domain}-customer-key": lambda one: "KmsKeyId" in one["EncryptionAtRestOptions"],
                    f"{domain}-node-to-node": lambda one: one["NodeToNodeEncryptionOptions"]["Enabled"],
                    f"{domain}-https": lambda one: one["DomainEndpointOptions"]["EnforceHTTPS"],
                    f"{domain}-policy-not-public": lambda one: not public(one["AccessPolicies"]),
                    f"{domain}-error-logs": logs("ES_APPLICATION_LOGS"),
                    f"{domain}-audit-logs": logs("AUDIT_LOGS"),
                    f"{domain}-slow-logs": logs("SEARCH_SLOW_LOGS", "INDEX_SLOW_LOGS"),
                    f"{domain}-fine-grained-access": lambda one: one["AdvancedSecurityOptions"]["Enabled"],
                    f"{domain}-fault-tolerant": lambda one: one["ClusterConfig"]["InstanceCount"] >= 3,
                    f"{domain}-in-vpc": lambda one: "VPCId" in one.get("VPCOptions", {}),
                    f"{domain}-updated": lambda one: UNKNOWN if "ServiceSoftwareOptions" not in one else None,
                },
            ),
        }

    def _analytics(self) -> dict[str, Table]:
        notebook, domain, endpoint = "sagemaker-notebook-instance", "sagemaker-domain", "sagemaker-endpoint-config"
        application = "emr-serverless-application"
        return {
            "glue-job": (
                self._jobs,
                {
                    "glue-job-output-encrypted": lambda one: "SSE-KMS" in str(one["configuration"]["S3Encryption"]),
                    "glue-job-logs-encrypted": lambda one: "SSE-KMS" in str(one["configuration"]["CloudWatchEncryption"]),
                    "glue-job-bookmarks-encrypted": lambda one: "CSE-KMS" in str(one["configuration"]["JobBookmarksEncryption"]),
                    "glue-job-logging": has("DefaultArguments"),
                },
            ),
            "glue-connection": (
                self._connections,
                {
                    "glue-connection-tls": lambda one: one["JDBC_ENFORCE_SSL"] == "true" if one else None,
                    "glue-connection-secret": lambda one: "SECRET_ID" in one if one else None,
                },
            ),
            "athena-workgroup": (
                self._workgroups,
                {
                    "athena-workgroup-encrypted": lambda one: "EncryptionConfiguration" in one["ResultConfiguration"],
                    "athena-workgroup-enforced": has("EnforceWorkGroupConfiguration"),
                    "athena-workgroup-metrics": has("PublishCloudWatchMetricsEnabled"),
                },
            ),
            "emr-security-configuration": (
                self._emr_configurations,
                {
                    "emr-security-configuration-at-rest": has("EnableAtRestEncryption"),
                    "emr-security-configuration-in-transit": has("EnableInTransitEncryption"),
                },
            ),
            "emr-cluster": (
                self._clusters,
                {
                    "emr-cluster-kerberos": has("KerberosAttributes"),
                    "emr-cluster-encrypted-at-rest": lambda one: one["configuration"]["EnableAtRestEncryption"],
                    "emr-cluster-encrypted-in-transit": lambda one: one["configuration"]["EnableInTransitEncryption"],
                    "emr-cluster-logs": has("LogUri"),
                    "emr-cluster-no-public-addresses": lacks("addresses"),
                },
            ),
            application: (
                self._applications,
                {
                    f"{application}-in-vpc": has("networkConfiguration"),
                    f"{application}-customer-key": has("diskEncryptionConfiguration"),
                    f"{application}-logs": has("monitoringConfiguration"),
                },
            ),
            notebook: (
                self._described("notebook_instance", "NotebookInstances", "NotebookInstanceName", "NotebookInstanceArn"),
                {
                    f"{notebook}-no-direct-internet": equals("DirectInternetAccess", "Disabled"),
                    f"{notebook}-customer-key": has("KmsKeyId"),
                    f"{notebook}-in-vpc": has("SubnetId"),
                    f"{notebook}-no-root": equals("RootAccess", "Disabled"),
                    f"{notebook}-metadata-tokens": has("InstanceMetadataServiceConfiguration"),
                },
            ),
            domain: (
                self._described("domain", "Domains", "DomainId", "DomainArn"),
                {
                    f"{domain}-vpc-only": equals("AppNetworkAccessType", "VpcOnly"),
                    f"{domain}-customer-key": has("KmsKeyId"),
                    f"{domain}-single-sign-on": equals("AuthMode", "SSO"),
                },
            ),
            endpoint: (
                self._described("endpoint_config", "EndpointConfigs", "EndpointConfigName", "EndpointConfigArn"),
                {
                    f"{endpoint}-customer-key": has("KmsKeyId"),
                    f"{endpoint}-capture-key": lambda one: "KmsKeyId" in one["DataCaptureConfig"],
                },
            ),
        }

    def _streams(self) -> dict[str, Table]:
        kafka, broker, mover = "kafka-cluster", "mq-broker", "dms-replication-instance"
        environment = "elasticbeanstalk-environment"

        def transit(one: Any) -> Any:
            return one["Provisioned"]["EncryptionInfo"]["EncryptionInTransit"]

        return {
            "kinesis-stream": (
                self._kinesis,
                {
                    "kinesis-stream-encrypted": equals("EncryptionType", "KMS"),
                    "kinesis-stream-retention": lambda one: one["RetentionPeriodHours"] >= 168,
                },
            ),
            kafka: (
                self.each("kafka", "list_clusters_v2", "ClusterInfoList", "ClusterArn"),
                {
                    f"{kafka}-clients-use-tls": lambda one: transit(one)["ClientBroker"] == "TLS",
                    f"{kafka}-brokers-use-tls": lambda one: transit(one)["InCluster"],
                    f"{kafka}-customer-key": lambda one: one["Provisioned"]["EncryptionInfo"]["EncryptionAtRest"]["DataVolumeKMSKeyId"] in self.customer_keys,
                    f"{kafka}-not-public": lambda one: "'DISABLED'" in str(one["Provisioned"]["BrokerNodeGroupInfo"]),
                    f"{kafka}-authentication": lambda one: not one["Provisioned"]["ClientAuthentication"]["Unauthenticated"]["Enabled"],
                    f"{kafka}-broker-logs": lambda one: one["Provisioned"]["LoggingInfo"]["BrokerLogs"]["CloudWatchLogs"]["Enabled"],
                    f"{kafka}-enhanced-monitoring": lambda one: one["Provisioned"]["EnhancedMonitoring"].startswith("PER_TOPIC"),
                },
            ),
            broker: (
                self._brokers,
                {
                    f"{broker}-not-public": lacks("PubliclyAccessible"),
                    f"{broker}-logs": lambda one: one["Logs"]["General"] and one["Logs"]["Audit"],
                    f"{broker}-minor-upgrades": has("AutoMinorVersionUpgrade"),
                    f"{broker}-standby": equals("DeploymentMode", "ACTIVE_STANDBY_MULTI_AZ"),
                },
            ),
            mover: (
                self.each("dms", "describe_replication_instances", "ReplicationInstances", "ReplicationInstanceArn"),
                {
                    f"{mover}-not-public": lacks("PubliclyAccessible"),
                    f"{mover}-minor-upgrades": has("AutoMinorVersionUpgrade"),
                    f"{mover}-multi-az": has("MultiAZ"),
                },
            ),
            "dms-endpoint": (
                self.each("dms", "describe_endpoints", "Endpoints", "EndpointArn"),
                {"dms-endpoint-tls": lambda one: one["SslMode"] == "require" if one["EngineName"] == "mysql" else None},
            ),
            environment: (
                self._environments,
                {
                    f"{environment}-managed-updates": equals("ManagedActionsEnabled", "true"),
                    f"{environment}-enhanced-health": equals("SystemType", "enhanced"),
                    f"{environment}-logs": equals("StreamLogs", "true"),
                },
            ),
            "sesv2-identity": (
                self._identities,
                {
                    "sesv2-identity-dkim": lambda one: one["DkimAttributes"]["SigningEnabled"],
                    "sesv2-identity-configuration-set": has("ConfigurationSetName"),
                    "sesv2-identity-policy-not-public": lambda one: not any(public(policy) for policy in one["Policies"].values()),
                },
            ),
            "sesv2-configuration-set": (
                self._configuration_sets,
                {"sesv2-configuration-set-tls": lambda one: one["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"},
            ),
        }

    def _described(self, thing: str, member: str, name: str, arn: str) -> Any:
        """What SageMaker lists by name and describes one by one."""

        def listed() -> Listed:
            for region in self.regions:
                sagemaker = self.client("sagemaker", region)
                for one in getattr(sagemaker, f"list_{thing}s")()[member]:
                    facts = getattr(sagemaker, f"describe_{thing}")(**{name: one[name]})
                    yield facts[arn], facts

        return listed

    def _domains(self) -> Listed:
        for region in self.regions:
            opensearch = self.client("opensearch", region)
            for one in opensearch.list_domain_names()["DomainNames"]:
                facts = opensearch.describe_domains(DomainNames=[one["DomainName"]])["DomainStatusList"][0]
                yield facts["ARN"], facts

    def _jobs(self) -> Listed:
        for region in self.regions:
            glue = self.client("glue", region)
            known = {one["Name"]: one["EncryptionConfiguration"] for one in glue.get_security_configurations()["SecurityConfigurations"]}
            for one in glue.get_jobs()["Jobs"]:
                yield f"arn:aws:glue:{region}:{ACCOUNT}:job/{one['Name']}", {**one, "configuration": known[one["SecurityConfiguration"]]}

    def _connections(self) -> Listed:
        for region in self.regions:
            for one in self.client("glue", region).get_connections()["ConnectionList"]:
                yield f"arn:aws:glue:{region}:{ACCOUNT}:connection/{one['Name']}", one["ConnectionProperties"]

    def _workgroups(self) -> Listed:
        for region in self.regions:
            athena = self.client("athena", region)
            for one in athena.list_work_groups()["WorkGroups"]:
                facts = athena.get_work_group(WorkGroup=one["Name"])["WorkGroup"]["Configuration"]
                yield f"arn:aws:athena:{region}:{ACCOUNT}:workgroup/{one['Name']}", facts

    def _emr_encryption(self, region: str, name: str) -> Any:
        text = self.client("emr", region).describe_security_configuration(Name=name)["SecurityConfiguration"]
        return json.loads(text)["EncryptionConfiguration"]

    def _emr_configurations(self) -> Listed:
        for region in self.regions:
            for one in self.client("emr", region).list_security_configurations()["SecurityConfigurations"]:
                arn = f"arn:aws:elasticmapreduce:{region}:{ACCOUNT}:security-configuration/{one['Name']}"
                yield arn, self._emr_encryption(region, one["Name"])

    def _clusters(self) -> Listed:
        for region in self.regions:
            emr = self.client("emr", region)
            for one in emr.list_clusters()["Clusters"]:
                facts = emr.describe_cluster(ClusterId=one["Id"])["Cluster"]
                addresses = [node for node in emr.list_instances(ClusterId=one["Id"])["Instances"] if "PublicIpAddress" in node]
                configuration = self._emr_encryption(region, facts["SecurityConfiguration"])
                yield facts["ClusterArn"], {**facts, "addresses": addresses, "configuration": configuration}

    def _applications(self) -> Listed:
        for region in self.regions:
            emr = self.client("emr-serverless", region)
            for one in emr.list_applications()["applications"]:
                yield one["arn"], emr.get_application(applicationId=one["id"])["application"]

    def _kinesis(self) -> Listed:
        for region in self.regions:
            kinesis = self.client("kinesis", region)
            for name in kinesis.list_streams()["StreamNames"]:
                facts = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
                yield facts["StreamARN"], facts

    def _brokers(self) -> Listed:
        for region in self.regions:
            mq = self.client("mq", region)
            for one in mq.list_brokers()["BrokerSummaries"]:
                facts = mq.describe_broker(BrokerId=one["BrokerId"])
                yield facts["BrokerArn"], facts

    def _environments(self) -> Listed:
        for region in self.regions:
            beanstalk = self.client("elasticbeanstalk", region)
            for one in beanstalk.describe_environments()["Environments"]:
                names = {name: one[name] for name in ("ApplicationName", "EnvironmentName")}
                settings = beanstalk.describe_configuration_settings(**names)
                options = settings["ConfigurationSettings"][0]["OptionSettings"]
                yield one["EnvironmentArn"], {option["OptionName"]: option["Value"] for option in options}

    def _identities(self) -> Listed:
        for region in self.regions:
            ses = self.client("sesv2", region)
            for one in ses.list_email_identities()["EmailIdentities"]:
                name = one["IdentityName"]
                yield f"arn:aws:ses:{region}:{ACCOUNT}:identity/{name}", ses.get_email_identity(EmailIdentity=name)

    def _configuration_sets(self) -> Listed:
        for region in self.regions:
            ses = self.client("sesv2", region)
            for name in ses.list_configuration_sets()["ConfigurationSets"]:
                yield f"arn:aws:ses:{region}:{ACCOUNT}:configuration-set/{name}", ses.get_configuration_set(ConfigurationSetName=name)
