"""The half of verify.py about functions, containers and what stands in front of them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from . import clock
from .builder import ACCOUNT
from .verify_compute import Clients

Seen = Iterator[tuple[str, str, dict[str, bool | None]]]


def services(reader: Clients, region: str) -> Seen:
    """Everything of a region, and of the services that have none where it is the first."""
    yield from _certificates_and_acls(reader, region)
    yield from _classic(reader.client("elb", region), region)
    yield from _functions(reader.client("lambda", region))
    yield from _apis(reader, region)
    yield from _pools(reader, region)
    yield from _tasks(reader, region)
    yield from _images(reader.client("ecr", region))
    yield from _kubernetes(reader.client("eks", region))
    yield from _builds(reader, region)
    if region == "us-east-1":
        yield from _edges(reader, region)


def _open(policy: str) -> bool:
    return any(one["Effect"] == "Allow" and one["Principal"] == "*" for one in json.loads(policy)["Statement"])


def _certificates_and_acls(reader: Clients, region: str) -> Seen:
    acm = reader.client("acm", region)
    kinds = ["RSA_1024", "RSA_2048", "EC_prime256v1"]
    for listed in acm.list_certificates(Includes={"keyTypes": kinds})["CertificateSummaryList"]:
        one = acm.describe_certificate(CertificateArn=listed["CertificateArn"])["Certificate"]
        yield "acm-certificate", one["CertificateArn"], {
            "acm-certificate-not-expiring": one["NotAfter"] > clock.utcnow() + timedelta(days=31),
            "acm-certificate-strong-key": "1024" not in one["KeyAlgorithm"],
            "acm-certificate-transparency": None,
        }
    waf, logs = reader.client("wafv2", region), reader.client("logs", region)
    configured = waf.list_logging_configurations(Scope="REGIONAL")["LoggingConfigurations"]
    logging = {one["ResourceArn"]: one["LogDestinationConfigs"] for one in configured}
    for one in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]:
        rules = waf.get_web_acl(Name=one["Name"], Id=one["Id"], Scope="REGIONAL")["WebACL"]["Rules"]
        group = next(iter(logging.get(one["ARN"], [])), "").partition("log-group:")[2]
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] if group else []
        key = [exact.get("kmsKeyId") for exact in found if exact["logGroupName"] == group]
        outcomes = {"waf-logging": bool(group), "waf-log-group-encrypted": all(key) if group else None, "waf-has-rules": bool(rules)}
        yield "wafv2-web-acl", one["ARN"], outcomes


def _classic(elb: Any, region: str) -> Seen:
    for one in elb.describe_load_balancers()["LoadBalancerDescriptions"]:
        name, listeners = one["LoadBalancerName"], [each["Listener"] for each in one["ListenerDescriptions"]]
        attributes = elb.describe_load_balancer_attributes(LoadBalancerName=name)["LoadBalancerAttributes"]
        policies = elb.describe_load_balancer_policies(LoadBalancerName=name)["PolicyDescriptions"]
        given = [each["AttributeValue"] for policy in policies for each in policy["PolicyAttributeDescriptions"]]
        yield "elb-load-balancer", f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:loadbalancer/{name}", {
            "classic-load-balancer-acm-certificate": all(":acm:" in each.get("SSLCertificateId", ":acm:") for each in listeners),
            "classic-load-balancer-tls-only": all(each["Protocol"] == "HTTPS" for each in listeners),
            "classic-load-balancer-tls-policy": given == ["ELBSecurityPolicy-TLS-1-2-2017-01"],
            "classic-load-balancer-access-logs": attributes["AccessLog"]["Enabled"],
            "classic-load-balancer-cross-zone": attributes["CrossZoneLoadBalancing"]["Enabled"],
            "classic-load-balancer-connection-draining": attributes["ConnectionDraining"]["Enabled"],
        }


def _functions(functions: Any) -> Seen:
    for one in functions.list_functions()["Functions"]:
        name, variables = one["FunctionName"], one["Environment"]["Variables"]
        urls = functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
        kept = functions.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
        inside = len(one.get("VpcConfig", {}).get("SubnetIds", []))
        yield "lambda-function", one["FunctionArn"], {
            "lambda-in-vpc": inside > 0,
            "lambda-vpc-multi-az": inside > 1 if inside else None,
            "lambda-failures-kept": any(each["DestinationConfig"]["OnFailure"] for each in kept),
            "lambda-reserved-concurrency": "ReservedConcurrentExecutions" in functions.get_function_concurrency(FunctionName=name),
            "lambda-not-public": not _open(functions.get_policy(FunctionName=name)["Policy"]),
            "lambda-url-authenticated": all(url["AuthType"] == "AWS_IAM" for url in urls) if urls else None,
            "lambda-url-origins": all(url["Cors"]["AllowOrigins"] != ["*"] for url in urls) if urls else None,
            "lambda-environment-customer-key": bool(one.get("KMSKeyArn")),
            "lambda-environment-no-secrets": not [each for each in variables if "PASSWORD" in each],
            "lambda-runtime-supported": one["Runtime"] == "python3.13",
            "lambda-tracing": one["TracingConfig"]["Mode"] == "Active",
        }


def _apis(reader: Clients, region: str) -> Seen:
    rest = reader.client("apigateway", region)
    for api in rest.get_rest_apis()["items"]:
        arn = f"arn:aws:apigateway:{region}::/restapis/{api['id']}"
        paths = rest.get_resources(restApiId=api["id"], embed=["methods"])["items"]
        methods = [method for path in paths for method in path.get("resourceMethods", {}).items()]
        asked = [method["authorizationType"] != "NONE" for name, method in methods if name != "OPTIONS"]
        yield "apigateway-rest-api", arn, {"apigateway-rest-api-authorized": all(asked)}
        for stage in rest.get_stages(restApiId=api["id"])["item"]:
            settings = stage["methodSettings"].get("*/*", {})
            yield "apigateway-stage", f"{arn}/stages/{stage['stageName']}", {
                "apigateway-stage-execution-logging": settings.get("loggingLevel", "OFF") != "OFF",
                "apigateway-stage-access-logging": bool(stage.get("accessLogSettings", {}).get("destinationArn")),
                "apigateway-stage-no-data-trace": not settings.get("dataTraceEnabled"),
                "apigateway-stage-cache-encrypted": settings.get("cacheDataEncrypted", False),
                "apigateway-stage-client-certificate": bool(stage.get("clientCertificateId")),
                "apigateway-stage-tracing": stage["tracingEnabled"],
                "apigateway-stage-waf": bool(stage.get("webAclArn")),
            }
    http = reader.client("apigatewayv2", region)
    for api in http.get_apis()["Items"]:
        arn = f"arn:aws:apigateway:{region}::/apis/{api['ApiId']}"
        asked = [route["AuthorizationType"] != "NONE" for route in http.get_routes(ApiId=api["ApiId"])["Items"]]
        yield "apigatewayv2-api", arn, {"apigatewayv2-api-authorized": all(asked)}
        for stage in http.get_stages(ApiId=api["ApiId"])["Items"]:
            yield "apigatewayv2-stage", f"{arn}/stages/{stage['StageName']}", {
                "apigatewayv2-stage-access-logs": bool(stage.get("AccessLogSettings")),
                "apigatewayv2-stage-no-data-trace": not stage.get("DefaultRouteSettings", {}).get("DataTraceEnabled"),
            }


def _pools(reader: Clients, region: str) -> Seen:
    users = reader.client("cognito-idp", region)
    for listed in users.list_user_pools(MaxResults=60)["UserPools"]:
        one = users.describe_user_pool(UserPoolId=listed["Id"])["UserPool"]
        yield "cognito-idp-user-pool", one["Arn"], {
            "cognito-user-pool-mfa": one["MfaConfiguration"] == "ON",
            "cognito-user-pool-password-policy": one["Policies"]["PasswordPolicy"]["MinimumLength"] >= 14,
            "cognito-user-pool-threat-protection": one["UserPoolAddOns"]["AdvancedSecurityMode"] == "ENFORCED",
            "cognito-user-pool-deletion-protection": one["DeletionProtection"] == "ACTIVE",
            "cognito-user-pool-admin-creates-users": one["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"],
        }
    identities = reader.client("cognito-identity", region)
    for listed in identities.list_identity_pools(MaxResults=60)["IdentityPools"]:
        pool = listed["IdentityPoolId"]
        guests = identities.describe_identity_pool(IdentityPoolId=pool)["AllowUnauthenticatedIdentities"]
        arn = f"arn:aws:cognito-identity:{region}:{ACCOUNT}:identitypool/{pool}"
        yield "cognito-identity-pool", arn, {"cognito-identity-pool-no-guests": not guests}


def _tasks(reader: Clients, region: str) -> Seen:
    ecs = reader.client("ecs", region)
    keys = {one["logGroupName"]: one.get("kmsKeyId") for one in reader.client("logs", region).describe_log_groups()["logGroups"]}
    tables = reader.client("ec2", region).describe_route_tables()["RouteTables"]
    public = {
        association.get("SubnetId")
        for table in tables
        if any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])
        for association in table["Associations"]
    }
    arns = ecs.list_clusters()["clusterArns"]
    for one in ecs.describe_clusters(clusters=arns, include=["SETTINGS", "CONFIGURATIONS"])["clusters"] if arns else []:
        sessions = one.get("configuration", {}).get("executeCommandConfiguration", {})
        yield "ecs-cluster", one["clusterArn"], {
            "ecs-cluster-exec-logged": "kmsKeyId" in sessions and sessions["logConfiguration"]["cloudWatchEncryptionEnabled"],
            "ecs-cluster-container-insights": one["settings"][0]["value"] == "enabled",
        }
        listed = ecs.list_services(cluster=one["clusterArn"])["serviceArns"]
        for service in ecs.describe_services(cluster=one["clusterArn"], services=listed)["services"] if listed else []:
            network = service["networkConfiguration"]["awsvpcConfiguration"]
            yield "ecs-service", service["serviceArn"], {
                "ecs-service-no-public-ip": network["assignPublicIp"] == "DISABLED",
                "ecs-service-private-subnets": not public.intersection(network["subnets"]),
                "ecs-service-fargate-platform": service["platformVersion"] == "LATEST",
            }
    for arn in ecs.list_task_definitions()["taskDefinitionArns"]:
        yield "ecs-task-definition", arn, _task(ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"], keys)


def _task(task: dict[str, Any], keys: dict[str, str | None]) -> dict[str, bool | None]:
    containers = task["containerDefinitions"]
    options = [one.get("logConfiguration", {}).get("options", {}) for one in containers]
    plain = [variable for one in containers for variable in one.get("environment", []) if "PASS" in variable["name"]]
    roots = [one for one in containers if one.get("user") == "root" or one.get("privileged")]
    return {
        "ecs-task-logs": all(options),
        "ecs-task-logs-encrypted": all(keys[one["awslogs-group"]] for one in options if one),
        "ecs-task-no-plain-secrets": not plain,
        "ecs-task-secrets-by-reference": not plain,
        "ecs-task-not-privileged": not any(one.get("privileged") for one in containers),
        "ecs-task-host-network-user": not roots if task["networkMode"] == "host" else None,
        "ecs-task-read-only-root": all(one.get("readonlyRootFilesystem") for one in containers),
        "ecs-task-own-namespaces": "host" not in (task.get("pidMode"), task.get("ipcMode")),
        "ecs-task-efs-encrypted": all(one["efsVolumeConfiguration"]["transitEncryption"] == "ENABLED" for one in task["volumes"]),
    }


def _images(ecr: Any) -> Seen:
    for one in ecr.describe_repositories()["repositories"]:
        name = one["repositoryName"]
        try:
            ecr.get_lifecycle_policy(repositoryName=name)
            cleaned = True
        except ecr.exceptions.LifecyclePolicyNotFoundException:
            cleaned = False
        yield "ecr-repository", one["repositoryArn"], {
            "ecr-scan-on-push": one["imageScanningConfiguration"]["scanOnPush"],
            "ecr-immutable-tags": one["imageTagMutability"] == "IMMUTABLE",
            "ecr-lifecycle-policy": cleaned,
            "ecr-policy-not-public": not _open(ecr.get_repository_policy(repositoryName=name)["policyText"]),
            "ecr-customer-key": one["encryptionConfiguration"]["encryptionType"] == "KMS",
        }
        for image in ecr.describe_images(repositoryName=name)["imageDetails"]:
            asked = {"repositoryName": name, "imageId": {"imageDigest": image["imageDigest"]}}
            try:
                counts = ecr.describe_image_scan_findings(**asked)["imageScanFindings"]["findingSeverityCounts"]
            except ecr.exceptions.ScanNotFoundException:
                counts = None
            yield "ecr-image", f"{one['repositoryArn']}/{image['imageDigest']}", {
                "ecr-image-scanned": counts is not None,
                "ecr-image-no-severe-findings": None if counts is None else not {"CRITICAL", "HIGH"} & set(counts),
            }


def _kubernetes(eks: Any) -> Seen:
    for name in eks.list_clusters()["clusters"]:
        one = eks.describe_cluster(name=name)["cluster"]
        logs = [kind for each in one["logging"]["clusterLogging"] if each["enabled"] for kind in each["types"]]
        yield "eks-cluster", one["arn"], {
            "eks-cluster-secrets-encrypted": bool(one.get("encryptionConfig")),
            "eks-cluster-endpoint-not-public": not one["resourcesVpcConfig"]["endpointPublicAccess"],
            "eks-cluster-logging": len(logs) == 5,
            "eks-cluster-supported-version": one["version"] == "1.35",
            "eks-cluster-deletion-protection": one.get("deletionProtection", False),
        }
        for group in eks.list_nodegroups(clusterName=name)["nodegroups"]:
            nodes = eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
            yield "eks-nodegroup", nodes["nodegroupArn"], {"eks-nodegroup-no-open-ssh": "sourceSecurityGroups" in nodes["remoteAccess"]}


def _builds(reader: Clients, region: str) -> Seen:
    builds = reader.client("codebuild", region)
    names = builds.list_projects()["projects"]
    for one in builds.batch_get_projects(names=names)["projects"] if names else []:
        variables = one["environment"].get("environmentVariables", [])
        yield "codebuild-project", one["arn"], {
            "codebuild-no-plain-credentials": not [each for each in variables if each["name"].startswith("AWS_")],
            "codebuild-source-no-credentials": "@" not in one["source"]["location"],
            "codebuild-logging": one["logsConfig"]["cloudWatchLogs"]["status"] == "ENABLED",
            "codebuild-s3-logs-encrypted": None,
            "codebuild-artifacts-encrypted": not one["artifacts"].get("encryptionDisabled"),
            "codebuild-not-privileged": not one["environment"].get("privilegedMode"),
            "codebuild-not-public": one.get("projectVisibility", "PRIVATE") == "PRIVATE",
        }
    for one in reader.client("cloudformation", region).describe_stacks()["Stacks"]:
        yield "cloudformation-stack", one["StackId"], {
            "cloudformation-stack-termination-protection": one.get("EnableTerminationProtection", False),
            "cloudformation-stack-no-drift": one.get("DriftInformation", {}).get("StackDriftStatus") == "IN_SYNC",
        }


def _edges(reader: Clients, region: str) -> Seen:
    cloudfront = reader.client("cloudfront", region)
    for listed in cloudfront.list_distributions()["DistributionList"].get("Items", []):
        one = cloudfront.get_distribution_config(Id=listed["Id"])["DistributionConfig"]
        bucket, server = one["Origins"]["Items"]
        spoken = server["CustomOriginConfig"]
        yield "cloudfront-distribution", listed["ARN"], {
            "cloudfront-https": one["DefaultCacheBehavior"]["ViewerProtocolPolicy"] != "allow-all",
            "cloudfront-tls-policy": not listed["ViewerCertificate"].get("CloudFrontDefaultCertificate"),
            "cloudfront-waf": bool(one.get("WebACLId")),
            "cloudfront-logging": one["Logging"]["Enabled"],
            "cloudfront-origin-encrypted": spoken["OriginProtocolPolicy"] == "https-only",
            "cloudfront-bucket-origin-access-control": bool(bucket.get("OriginAccessControlId")),
            "cloudfront-default-root-object": bool(one.get("DefaultRootObject")),
        }
    dns = reader.client("route53", region)
    logged = {one["HostedZoneId"] for one in dns.list_query_logging_configs()["QueryLoggingConfigs"]}
    for zone in dns.list_hosted_zones()["HostedZones"]:
        name = zone["Id"].rpartition("/")[2]
        public = not zone["Config"]["PrivateZone"]
        signed = dns.get_dnssec(HostedZoneId=name)["Status"]["ServeSignature"] == "SIGNING" if public else None
        outcomes = {"route53-query-logging": name in logged if public else None, "route53-dnssec": signed}
        yield "route53-hosted-zone", f"arn:aws:route53:::hostedzone/{name}", outcomes
