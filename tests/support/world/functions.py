"""Lambda functions, and the APIs and user pools in front of them."""

import io
import zipfile
from typing import Any

from . import identity
from .builder import ACCOUNT, HOME, Builder

#: What a redaction recognizes by its name; nobody's password.
CARELESS = {"STAGE": "production", "DB_PASSWORD": "Tr0ub4dor-and-3-more"}


def build_functions(world: Builder) -> None:
    """One of each that keeps every rule, and one that breaks them."""
    world.made["function-role"] = identity.add_role(world, "openemr-functions", "lambda.amazonaws.com")
    add_function(world, "openemr-export", good=True)
    add_function(world, "openemr-legacy-import", good=False)
    add_rest_api(world, "records", good=True)
    add_rest_api(world, "records-legacy", good=False)
    add_http_api(world, "appointments", good=True)
    add_http_api(world, "appointments-legacy", good=False)
    add_user_pool(world, "openemr-staff", good=True)
    add_user_pool(world, "openemr-visitors", good=False)


def add_function(world: Builder, name: str, *, good: bool) -> None:
    """A function that keeps every rule, or none."""
    functions = world.client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py", (2026, 1, 1, 0, 0, 0)), "def handle(event, context):\n    return {}\n")
    settings: dict[str, Any] = {}
    if good:
        subnets = [world.made["openemr-private-a"], world.made["openemr-private-b"]]
        settings = {
            "VpcConfig": {"SubnetIds": subnets, "SecurityGroupIds": [world.made["openemr-ecs"]]},
            "TracingConfig": {"Mode": "Active"},
            "KMSKeyArn": world.keys["central"],
        }
    made = functions.create_function(
        FunctionName=name,
        Runtime="python3.13" if good else "python3.8",
        Role=world.made["function-role"],
        Handler="handler.handle",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"STAGE": "production"} if good else CARELESS},
        Tags={"Project": "openemr"},
        **settings,
    )
    if good:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
        queue = f"arn:aws:sqs:{HOME}:{ACCOUNT}:openemr-failed"
        functions.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnFailure": {"Destination": queue}})
    principal = "arn:aws:iam::111122223333:root" if good else "*"
    functions.add_permission(FunctionName=name, StatementId="call", Action="lambda:InvokeFunction", Principal=principal)
    cors = {"AllowOrigins": ["https://records.example.org" if good else "*"]}
    functions.create_function_url_config(FunctionName=name, AuthType="AWS_IAM" if good else "NONE", Cors=cors)
    world.truth.resource(
        "lambda-function",
        made["FunctionArn"],
        {
            "lambda-in-vpc": good,
            "lambda-vpc-multi-az": True if good else None,
            "lambda-failures-kept": good,
            "lambda-reserved-concurrency": good,
            "lambda-not-public": good,
            "lambda-url-authenticated": good,
            "lambda-url-origins": good,
            "lambda-environment-customer-key": good,
            "lambda-environment-no-secrets": good,
            "lambda-runtime-supported": good,
            "lambda-tracing": good,
        },
    )


def add_rest_api(world: Builder, name: str, *, good: bool) -> None:
    """A REST API with one stage that keeps every rule, or none."""
    apis = world.client("apigateway")
    api = apis.create_rest_api(name=name, tags={"Project": "openemr"})["id"]
    root = apis.get_resources(restApiId=api)["items"][0]["id"]
    for method, authorization in [("GET", "AWS_IAM" if good else "NONE"), ("OPTIONS", "NONE")]:
        apis.put_method(restApiId=api, resourceId=root, httpMethod=method, authorizationType=authorization)
        apis.put_method_response(restApiId=api, resourceId=root, httpMethod=method, statusCode="200")
        apis.put_integration(restApiId=api, resourceId=root, httpMethod=method, type="MOCK")
    deployment = apis.create_deployment(restApiId=api)["id"]
    apis.create_stage(
        restApiId=api, stageName="prod", deploymentId=deployment, cacheClusterEnabled=True, cacheClusterSize="0.5", tracingEnabled=good
    )
    patches = {"/*/*/caching/enabled": "true", "/*/*/caching/dataEncrypted": str(good).lower()}
    patches["/*/*/logging/dataTrace"] = str(not good).lower()
    if good:
        group = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:/aws/ecs/openemr"
        patches |= {"/*/*/logging/loglevel": "ERROR", "/accessLogSettings/destinationArn": group}
    operations = [{"op": "replace", "path": path, "value": value} for path, value in patches.items()]
    apis.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    arn = f"arn:aws:apigateway:{HOME}::/restapis/{api}"
    stage = f"{arn}/stages/prod"
    if good:
        world.client("wafv2").associate_web_acl(WebACLArn=world.made["web-acl"], ResourceArn=stage)
    world.truth.resource("apigateway-rest-api", arn, {"apigateway-rest-api-authorized": good})
    world.truth.resource(
        "apigateway-stage",
        stage,
        {
            "apigateway-stage-execution-logging": good,
            "apigateway-stage-access-logging": good,
            "apigateway-stage-no-data-trace": good,
            "apigateway-stage-cache-encrypted": good,
            # The server takes none.
            "apigateway-stage-client-certificate": False,
            "apigateway-stage-tracing": good,
            "apigateway-stage-waf": good,
        },
    )


def add_http_api(world: Builder, name: str, *, good: bool) -> None:
    """An HTTP API with one stage."""
    apis = world.client("apigatewayv2")
    api = apis.create_api(Name=name, ProtocolType="HTTP", Tags={"Project": "openemr"})["ApiId"]
    apis.create_route(ApiId=api, RouteKey="GET /appointments", AuthorizationType="AWS_IAM" if good else "NONE")
    group = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:/aws/ecs/openemr"
    settings: dict[str, Any] = {"AccessLogSettings": {"DestinationArn": group, "Format": "$context.requestId"}} if good else {}
    apis.create_stage(ApiId=api, StageName="prod", DefaultRouteSettings={"DataTraceEnabled": not good}, **settings)
    arn = f"arn:aws:apigateway:{HOME}::/apis/{api}"
    world.truth.resource("apigatewayv2-api", arn, {"apigatewayv2-api-authorized": good})
    outcomes = {"apigatewayv2-stage-access-logs": good, "apigatewayv2-stage-no-data-trace": good}
    world.truth.resource("apigatewayv2-stage", f"{arn}/stages/prod", outcomes)


def add_user_pool(world: Builder, name: str, *, good: bool) -> None:
    """A user pool, and an identity pool of the same name."""
    users = world.client("cognito-idp")
    kinds = dict.fromkeys(("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols"), True)
    pool = users.create_user_pool(
        PoolName=name,
        Policies={"PasswordPolicy": {"MinimumLength": 14 if good else 8, **kinds}},
        DeletionProtection="ACTIVE" if good else "INACTIVE",
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": good},
        UserPoolAddOns={"AdvancedSecurityMode": "ENFORCED" if good else "OFF"},
        MfaConfiguration="ON" if good else "OFF",
    )["UserPool"]
    world.truth.resource(
        "cognito-idp-user-pool",
        pool["Arn"],
        {
            "cognito-user-pool-mfa": good,
            "cognito-user-pool-password-policy": good,
            "cognito-user-pool-threat-protection": good,
            "cognito-user-pool-deletion-protection": good,
            "cognito-user-pool-admin-creates-users": good,
        },
    )
    made = world.client("cognito-identity").create_identity_pool(IdentityPoolName=name, AllowUnauthenticatedIdentities=not good)
    arn = f"arn:aws:cognito-identity:{HOME}:{ACCOUNT}:identitypool/{made['IdentityPoolId']}"
    world.truth.resource("cognito-identity-pool", arn, {"cognito-identity-pool-no-guests": good})
