"""Analytics: Glue, Athena, EMR, EMR Serverless and SageMaker; of each one as it should be and one that breaks its rules."""

import json
from typing import Any

from . import network
from .builder import ACCOUNT, HOME, SECOND, Builder

ROLE = f"arn:aws:iam::{ACCOUNT}:role/openemr-analytics"


def build_analytics(world: Builder) -> None:
    """All of them."""
    network.add_group(world, world.made["openemr"], "openemr-emr", [])
    for good in (True, False):
        name = "openemr" if good else "openemr-legacy"
        add_jobs(world, name, good=good)
        add_workgroup(world, f"{name}-analysts", good=good)
        add_cluster(world, f"{name}-joins", good=good)
        add_application(world, f"{name}-exports", good=good)
        add_laboratory(world, name, good=good)
    add_catalog(world, HOME, good=True)
    add_catalog(world, SECOND, good=False)
    # moto makes security configurations, but does not list them.
    names = [{"Name": f"{name}-joins", "CreationDateTime": "2026-01-02T03:04:05Z"} for name in ("openemr", "openemr-legacy")]
    world.tell("emr:ListSecurityConfigurations", {"SecurityConfigurations": names})


def add_jobs(world: Builder, name: str, *, good: bool) -> None:
    """A security configuration, a job that uses it and connections to a database."""
    glue = world.client("glue")
    key = {"KmsKeyArn": world.keys["central"]} if good else {}
    mode = "SSE-KMS" if good else "DISABLED"
    glue.create_security_configuration(
        Name=f"{name}-jobs",
        EncryptionConfiguration={
            "S3Encryption": [{"S3EncryptionMode": mode, **key}],
            "CloudWatchEncryption": {"CloudWatchEncryptionMode": mode, **key},
            "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS" if good else "DISABLED", **key},
        },
    )
    glue.create_job(
        Name=f"{name}-export",
        Role=ROLE,
        Command={"Name": "glueetl", "ScriptLocation": "s3://openemr-rds-export/export.py"},
        SecurityConfiguration=f"{name}-jobs",
        DefaultArguments={"--enable-continuous-cloudwatch-log": "true"} if good else {},
    )
    rules = ["output-encrypted", "logs-encrypted", "bookmarks-encrypted", "logging"]
    outcomes: dict[str, bool | str | None] = {f"glue-job-{rule}": good for rule in rules}
    world.truth.resource("glue-job", f"arn:aws:glue:{HOME}:{ACCOUNT}:job/{name}-export", outcomes)


def add_catalog(world: Builder, region: str, *, good: bool) -> None:
    """A database in a region's catalog, and connections; moto forgets of what type a connection is, so the server is told."""
    glue = world.client("glue", region)
    glue.create_database(DatabaseInput={"Name": "omop"})
    if good:
        at_rest = {"CatalogEncryptionMode": "SSE-KMS", "SseAwsKmsKeyId": world.keys["central"]}
        passwords = {"ReturnConnectionPasswordEncrypted": True, "AwsKmsKeyId": world.keys["central"]}
        settings = {"EncryptionAtRest": at_rest, "ConnectionPasswordEncryption": passwords}
        glue.put_data_catalog_encryption_settings(DataCatalogEncryptionSettings=settings)
    secret = {"SECRET_ID": "openemr/database"} if good else {"USERNAME": "reporting"}
    told = [
        {"Name": "reporting", "ConnectionType": "JDBC", "ConnectionProperties": {"JDBC_ENFORCE_SSL": str(good).lower(), **secret}},
        {"Name": "subnet", "ConnectionType": "NETWORK", "ConnectionProperties": {}},
    ]
    world.tell("glue:GetConnections", {"ConnectionList": told}, region)
    arn = f"arn:aws:glue:{region}:{ACCOUNT}:connection"
    world.truth.resource("glue-connection", f"{arn}/reporting", {"glue-connection-tls": good, "glue-connection-secret": good})
    world.truth.resource("glue-connection", f"{arn}/subnet", {"glue-connection-tls": None, "glue-connection-secret": None})
    world.made[f"catalog of {region}"] = "encrypted" if good else "plain"


def add_workgroup(world: Builder, name: str, *, good: bool) -> None:
    """A workgroup of Athena."""
    result: dict[str, Any] = {"OutputLocation": "s3://openemr-rds-export/results/"}
    if good:
        result["EncryptionConfiguration"] = {"EncryptionOption": "SSE_KMS", "KmsKey": world.keys["central"]}
    world.client("athena").create_work_group(
        Name=name,
        Configuration={
            "ResultConfiguration": result,
            "EnforceWorkGroupConfiguration": good,
            "PublishCloudWatchMetricsEnabled": good,
        },
        Tags=world.tags(name),
    )
    declare_workgroup(world, name, HOME, good=good)


def declare_workgroup(world: Builder, name: str, region: str, *, good: bool) -> None:
    """What holds of a workgroup. Every region has `primary`, which asks for nothing."""
    arn = f"arn:aws:athena:{region}:{ACCOUNT}:workgroup/{name}"
    outcomes: dict[str, bool | str | None] = {f"athena-workgroup-{rule}": good for rule in ("encrypted", "enforced", "metrics")}
    world.truth.resource("athena-workgroup", arn, outcomes)


def declare_region(world: Builder, region: str) -> None:
    """What holds of a region as AWS gives it: nobody opened the catalog, and EMR's block is on (a fixture says so)."""
    declare_workgroup(world, "primary", region, good=False)
    arn = next(arn for arn, kind in world.truth.resources.items() if kind == "aws-region" and arn.endswith(f"/{region}"))
    # Where nothing is in the catalog, its encryption is not judged.
    catalog = {None: None, "encrypted": True, "plain": False}[world.made.get(f"catalog of {region}")]
    world.truth.more(
        arn,
        {
            "glue-catalog-encrypted": catalog,
            "glue-catalog-passwords-encrypted": catalog,
            "glue-catalog-policy-not-public": True,
            "emr-public-access-blocked": True,
        },
    )


def add_cluster(world: Builder, name: str, *, good: bool) -> None:
    """An EMR cluster and its security configuration."""
    emr = world.client("emr")
    text = {"EncryptionConfiguration": {"EnableAtRestEncryption": good, "EnableInTransitEncryption": good}}
    emr.create_security_configuration(Name=name, SecurityConfiguration=json.dumps(text))
    configuration = f"arn:aws:elasticmapreduce:{HOME}:{ACCOUNT}:security-configuration/{name}"
    world.truth.resource(
        "emr-security-configuration",
        configuration,
        {"emr-security-configuration-at-rest": good, "emr-security-configuration-in-transit": good},
    )
    settings: dict[str, Any] = {}
    if good:
        settings["KerberosAttributes"] = {"Realm": "EC2.INTERNAL", "KdcAdminPassword": "Correct-Horse-7-Battery"}
        settings["LogUri"] = "s3://openemr-rds-export/emr/"
    # A group of our own, which moto opens: otherwise it makes some that nobody answers for.
    roles = ("EmrManagedMasterSecurityGroup", "EmrManagedSlaveSecurityGroup", "ServiceAccessSecurityGroup")
    made = emr.run_job_flow(
        Name=name,
        ReleaseLabel="emr-7.1.0",
        Instances={
            "MasterInstanceType": "m5.xlarge",
            "SlaveInstanceType": "m5.xlarge",
            "InstanceCount": 2,
            "Ec2SubnetId": world.made["openemr-private-a"],
            "KeepJobFlowAliveWhenNoSteps": True,
            **dict.fromkeys(roles, world.made["openemr-emr"]),
        },
        SecurityConfiguration=name,
        JobFlowRole="EMR_EC2_DefaultRole",
        ServiceRole="EMR_DefaultRole",
        Tags=world.tags(name),
        **settings,
    )
    world.truth.resource(
        "emr-cluster",
        made["ClusterArn"],
        {
            **{f"emr-cluster-{rule}": good for rule in ("kerberos", "encrypted-at-rest", "encrypted-in-transit", "logs")},
            # moto's clusters have no nodes.
            "emr-cluster-no-public-addresses": True,
        },
    )


def add_application(world: Builder, name: str, *, good: bool) -> None:
    """An EMR Serverless application. moto knows neither their keys nor their logs."""
    network = {"networkConfiguration": {"subnetIds": [world.made["openemr-private-a"]]}} if good else {}
    made = world.client("emr-serverless").create_application(name=name, releaseLabel="emr-7.1.0", type="SPARK", **network)
    world.truth.resource(
        "emr-serverless-application",
        made["arn"],
        {
            "emr-serverless-application-in-vpc": good,
            "emr-serverless-application-customer-key": False,
            "emr-serverless-application-logs": False,
        },
    )


def add_laboratory(world: Builder, name: str, *, good: bool) -> None:
    """A notebook, a domain and the configuration of an endpoint in SageMaker."""
    sagemaker = world.client("sagemaker")
    subnet, key = world.made["openemr-private-a"], {"KmsKeyId": world.keys["central"]} if good else {}
    notebook = sagemaker.create_notebook_instance(
        NotebookInstanceName=f"{name}-notebook",
        InstanceType="ml.t3.medium",
        RoleArn=ROLE,
        DirectInternetAccess="Disabled" if good else "Enabled",
        RootAccess="Disabled" if good else "Enabled",
        Tags=world.tags(name),
        **({"SubnetId": subnet, "SecurityGroupIds": [world.made["openemr-database"]]} if good else {}),
        **key,
    )
    rules = ["no-direct-internet", "customer-key", "in-vpc", "no-root"]
    world.truth.resource(
        "sagemaker-notebook-instance",
        notebook["NotebookInstanceArn"],
        # moto forgets the metadata service's version.
        {**{f"sagemaker-notebook-instance-{rule}": good for rule in rules}, "sagemaker-notebook-instance-metadata-tokens": False},
    )
    domain = sagemaker.create_domain(
        DomainName=f"{name}-studio",
        AuthMode="SSO" if good else "IAM",
        DefaultUserSettings={"ExecutionRole": ROLE},
        SubnetIds=[subnet],
        VpcId=world.made["openemr"],
        AppNetworkAccessType="VpcOnly" if good else "PublicInternetOnly",
        Tags=world.tags(name),
        **key,
    )
    world.truth.resource(
        "sagemaker-domain",
        domain["DomainArn"],
        {"sagemaker-domain-vpc-only": good, "sagemaker-domain-customer-key": good, "sagemaker-domain-single-sign-on": good},
    )
    sagemaker.create_model(ModelName=f"{name}-readmission", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "readmission"})
    captured = {"EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://openemr-rds-export/captured/"}
    endpoint = sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-readmission",
        ProductionVariants=[
            {"VariantName": "all", "ModelName": f"{name}-readmission", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
        DataCaptureConfig={**captured, **key, "CaptureOptions": [{"CaptureMode": "Input"}]},
        Tags=world.tags(name),
        **key,
    )
    outcomes = {"sagemaker-endpoint-config-customer-key": good, "sagemaker-endpoint-config-capture-key": good}
    world.truth.resource("sagemaker-endpoint-config", endpoint["EndpointConfigArn"], outcomes)
