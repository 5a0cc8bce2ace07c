"""Clusters, services, task definitions and images, and the projects and stacks that make them."""

import json
from typing import Any

from . import audit
from .builder import ACCOUNT, HOME, Builder


def build_containers(world: Builder) -> None:
    """One of each that keeps every rule, and one that breaks them."""
    audit.add_log_group(world, "/aws/ecs/openemr-legacy", key=None, days=400)
    add_cluster(world, "openemr", good=True)
    add_cluster(world, "openemr-legacy", good=False)
    add_service(world, "openemr", good=True)
    add_service(world, "openemr-legacy", good=False)
    add_repository(world, "openemr", good=True)
    add_repository(world, "openemr-legacy", good=False)
    add_kubernetes(world, "openemr-analytics", good=True)
    add_kubernetes(world, "openemr-analytics-old", good=False)
    add_project(world, "openemr-image", good=True)
    add_project(world, "openemr-image-old", good=False)
    add_stack(world, "openemr-network", good=True)
    add_stack(world, "openemr-sandbox", good=False)


def add_cluster(world: Builder, name: str, *, good: bool) -> None:
    """A cluster of ECS."""
    sessions = {
        "kmsKeyId": world.keys["central"],
        "logging": "OVERRIDE",
        "logConfiguration": {"cloudWatchLogGroupName": "/aws/ecs/openemr", "cloudWatchEncryptionEnabled": True},
    }
    settings: dict[str, Any] = {"configuration": {"executeCommandConfiguration": sessions}} if good else {}
    insights = [{"name": "containerInsights", "value": "enabled" if good else "disabled"}]
    made = world.client("ecs").create_cluster(clusterName=name, settings=insights, **settings)
    outcomes = {"ecs-cluster-exec-logged": good, "ecs-cluster-container-insights": good}
    world.truth.resource("ecs-cluster", made["cluster"]["clusterArn"], outcomes)


def add_service(world: Builder, name: str, *, good: bool) -> None:
    """A service of a cluster of the same name, and its task definition."""
    ecs = world.client("ecs")
    group = "/aws/ecs/openemr" if good else "/aws/ecs/openemr-legacy"
    logs = {"awslogs-group": group, "awslogs-region": HOME, "awslogs-stream-prefix": "web"}
    secret = {"name": "MYSQL_PASS", "valueFrom": f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:openemr/database-AbCdEf"}
    first: dict[str, Any] = {
        "name": "web",
        "image": f"{ACCOUNT}.dkr.ecr.{HOME}.amazonaws.com/openemr:1",
        "essential": True,
        "memory": 512,
        "user": "1000" if good else "root",
        "privileged": not good,
        "readonlyRootFilesystem": good,
        "logConfiguration": {"logDriver": "awslogs", "options": logs},
        "environment": [{"name": "STAGE", "value": "production"}],
        "secrets": [secret] if good else [],
    }
    second = {"name": "agent", "image": "agent:1", "memory": 128, "user": "agent", "readonlyRootFilesystem": True}
    if good:
        second["logConfiguration"] = first["logConfiguration"]
    else:
        first["environment"].append({"name": "MYSQL_PASSWORD", "value": "Tr0ub4dor-and-3-more"})
    volume = {"fileSystemId": "fs-0123456789abcdef0", "transitEncryption": "ENABLED" if good else "DISABLED"}
    shared = {} if good else {"pidMode": "host", "ipcMode": "host"}
    task = ecs.register_task_definition(
        family=name,
        networkMode="awsvpc" if good else "host",
        containerDefinitions=[first, second],
        volumes=[{"name": "documents", "efsVolumeConfiguration": volume}],
        requiresCompatibilities=["FARGATE"] if good else ["EC2"],
        cpu="256",
        memory="1024",
        taskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/openemr-ecs-task",
        executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/openemr-ecs-execution",
        **shared,
    )["taskDefinition"]["taskDefinitionArn"]
    world.truth.resource(
        "ecs-task-definition",
        task,
        {
            "ecs-task-logs": good,
            "ecs-task-logs-encrypted": good,
            "ecs-task-no-plain-secrets": good,
            "ecs-task-secrets-by-reference": good,
            "ecs-task-not-privileged": good,
            "ecs-task-host-network-user": None if good else False,
            "ecs-task-read-only-root": good,
            "ecs-task-own-namespaces": good,
            "ecs-task-efs-encrypted": good,
        },
    )
    network = {
        "subnets": [world.made["openemr-private-a" if good else "openemr-public-a"]],
        "securityGroups": [world.made["openemr-ecs"]],
        "assignPublicIp": "DISABLED" if good else "ENABLED",
    }
    made = ecs.create_service(
        cluster=name,
        serviceName=name,
        taskDefinition=task,
        desiredCount=0,
        launchType="FARGATE",
        platformVersion="LATEST" if good else "1.3.0",
        networkConfiguration={"awsvpcConfiguration": network},
    )
    world.truth.resource(
        "ecs-service",
        made["service"]["serviceArn"],
        {
            "ecs-service-no-public-ip": good,
            "ecs-service-private-subnets": good,
            "ecs-service-fargate-platform": good,
        },
    )


def add_repository(world: Builder, name: str, *, good: bool) -> None:
    """A repository with one image that was never scanned."""
    ecr = world.client("ecr")
    encryption = {"encryptionType": "KMS", "kmsKey": world.keys["central"]} if good else {"encryptionType": "AES256"}
    made = ecr.create_repository(
        repositoryName=name,
        imageTagMutability="IMMUTABLE" if good else "MUTABLE",
        imageScanningConfiguration={"scanOnPush": good},
        encryptionConfiguration=encryption,
    )["repository"]["repositoryArn"]
    if good:
        selection = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5}
        rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps({"rules": [rule]}))
    principal = {"AWS": "arn:aws:iam::111122223333:root"} if good else "*"
    statement = {"Sid": "Pull", "Effect": "Allow", "Principal": principal, "Action": ["ecr:BatchGetImage"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ecr.set_repository_policy(repositoryName=name, policyText=policy)
    world.truth.resource(
        "ecr-repository",
        made,
        {
            "ecr-scan-on-push": good,
            "ecr-immutable-tags": good,
            "ecr-lifecycle-policy": good,
            "ecr-policy-not-public": good,
            "ecr-customer-key": good,
        },
    )
    layers = [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 32, "digest": f"sha256:{'ab' * 32}"}]
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 7, "digest": f"sha256:{'cd' * 32}"}
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers})
    image = ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="1")["image"]["imageId"]["imageDigest"]
    if good:
        ecr.start_image_scan(repositoryName=name, imageId={"imageDigest": image})
    # The server finds the same holes in every image that is scanned, some of them severe.
    outcomes = {"ecr-image-scanned": good, "ecr-image-no-severe-findings": False if good else None}
    world.truth.resource("ecr-image", f"{made}/{image}", outcomes)


def add_kubernetes(world: Builder, name: str, *, good: bool) -> None:
    """A cluster of EKS with a node group."""
    eks = world.client("eks")
    role = f"arn:aws:iam::{ACCOUNT}:role/openemr-ecs-task"
    subnets = [world.made["openemr-private-a"], world.made["openemr-private-b"]]
    types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
    encryption = [{"resources": ["secrets"], "provider": {"keyArn": world.keys["central"]}}]
    made = eks.create_cluster(
        name=name,
        version="1.35" if good else "1.29",
        roleArn=role,
        resourcesVpcConfig={
            "subnetIds": subnets,
            "endpointPublicAccess": not good,
            "endpointPrivateAccess": good,
            "publicAccessCidrs": [] if good else ["0.0.0.0/0"],
        },
        logging={"clusterLogging": [{"types": types, "enabled": good}]},
        **({"encryptionConfig": encryption} if good else {}),
    )["cluster"]["arn"]
    world.truth.resource(
        "eks-cluster",
        made,
        {
            "eks-cluster-secrets-encrypted": good,
            "eks-cluster-endpoint-not-public": good,
            "eks-cluster-logging": good,
            "eks-cluster-supported-version": good,
            # The server knows nothing of it.
            "eks-cluster-deletion-protection": False,
        },
    )
    access = {"ec2SshKey": "operations", **({"sourceSecurityGroups": [world.made["openemr-internal"]]} if good else {})}
    nodes = eks.create_nodegroup(clusterName=name, nodegroupName="nodes", subnets=subnets, nodeRole=role, remoteAccess=access)["nodegroup"]
    world.truth.resource("eks-nodegroup", nodes["nodegroupArn"], {"eks-nodegroup-no-open-ssh": good})


def add_project(world: Builder, name: str, *, good: bool) -> None:
    """A project of CodeBuild."""
    careless = [{"name": "AWS_ACCESS_KEY_ID", "value": "AKIAIOSFODNN7EXAMPLE", "type": "PLAINTEXT"}]
    made = world.client("codebuild").create_project(
        name=name,
        source={"type": "GITHUB", "location": f"https://{'' if good else 'builder:Tr0ub4dor-and-3@'}github.com/example/openemr.git"},
        artifacts={"type": "NO_ARTIFACTS", "encryptionDisabled": not good},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": not good,
            "environmentVariables": [{"name": "STAGE", "value": "production", "type": "PLAINTEXT"}] if good else careless,
        },
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/openemr-ecs-task",
        logsConfig={
            "cloudWatchLogs": {"status": "ENABLED" if good else "DISABLED"},
            "s3Logs": {"status": "DISABLED"},
        },
    )["project"]["arn"]
    world.truth.resource(
        "codebuild-project",
        made,
        {
            "codebuild-no-plain-credentials": good,
            "codebuild-source-no-credentials": good,
            "codebuild-logging": good,
            "codebuild-s3-logs-encrypted": None,
            "codebuild-artifacts-encrypted": good,
            "codebuild-not-privileged": good,
            # The server makes no project public.
            "codebuild-not-public": True,
        },
    )


def add_stack(world: Builder, name: str, *, good: bool) -> None:
    """A stack whose drift was never looked for."""
    template = {"Resources": {"Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    cloudformation = world.client("cloudformation")
    made = cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), EnableTerminationProtection=good)
    arn = made["StackId"]
    outcomes = {"cloudformation-stack-termination-protection": good, "cloudformation-stack-no-drift": False}
    world.truth.resource("cloudformation-stack", arn, outcomes)
