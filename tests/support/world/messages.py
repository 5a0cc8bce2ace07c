"""Queues, state machines, parameters, documents and policies of CloudWatch Logs: the smaller services around the deployment."""

import json
from typing import Any

from .builder import ACCOUNT, HOME, Builder, allow, document

OTHER_ACCOUNT = "999988887777"


def add_queue(world: Builder, name: str, *, key: str | None, principal: str | None = ACCOUNT, tls_only: bool = True) -> None:
    """A queue. `key`: a KMS key's purpose, `sqs` for the key of the service, or None; `principal`: who may send."""
    arn = f"arn:aws:sqs:{HOME}:{ACCOUNT}:{name}"
    statements: list[dict[str, Any]] = []
    if principal:
        who: Any = "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"}
        statements.append(allow("sqs:SendMessage", arn, Sid="Send", Principal=who))
    if tls_only:
        deny = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": arn}
        statements.append({**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    attributes = {"SqsManagedSseEnabled": "true" if key == "sqs" else "false"}
    if key and key != "sqs":
        attributes["KmsMasterKeyId"] = world.keys[key]
    if statements:
        attributes["Policy"] = document(*statements)
    world.client("sqs").create_queue(QueueName=name, Attributes=attributes, tags={"Project": "openemr", "Environment": "production"})
    world.truth.resource(
        "sqs-queue",
        arn,
        {
            "sqs-queue-encrypted": key is not None,
            "sqs-queue-not-public": principal != "*",
            "sqs-queue-tls-only": tls_only,
            "sqs-queue-accounts": principal in (None, ACCOUNT),
        },
    )


def add_state_machine(world: Builder, name: str, *, level: str, data: bool, key: str | None) -> None:
    """A state machine with one step."""
    steps = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    logging: dict[str, Any] = {"level": level, "includeExecutionData": data}
    if level != "OFF":
        group = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:/aws/ecs/openemr:*"
        logging["destinations"] = [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]
    encryption = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": world.keys[key]} if key else {"type": "AWS_OWNED_KEY"}
    tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in world.tags(name)]
    made = world.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps(steps),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/openemr-ecs-task",
        loggingConfiguration=logging,
        encryptionConfiguration=encryption,
        tags=tags,
    )
    world.truth.resource(
        "stepfunctions-state-machine",
        made["stateMachineArn"],
        {
            "state-machine-logging": level != "OFF",
            "state-machine-no-data-in-logs": not data if level != "OFF" else None,
            "state-machine-customer-key": key is not None,
        },
    )


def add_parameter(world: Builder, name: str, *, secure: bool, key: str | None = None) -> None:
    """A parameter. `key`: of a customer; without it AWS's own."""
    encryption = {"KeyId": world.keys[key]} if key else {}
    kind = "SecureString" if secure else "String"
    world.client("ssm").put_parameter(Name=name, Value="not-a-secret", Type=kind, Tags=world.tags(name), **encryption)
    world.truth.resource(
        "ssm-parameter",
        f"arn:aws:ssm:{HOME}:{ACCOUNT}:parameter{name}",
        {"ssm-parameter-secure": secure, "ssm-parameter-customer-key": key is not None if secure else None},
    )


def add_document(world: Builder, name: str, *, shared_with: str | None) -> None:
    """A command document."""
    content = {"schemaVersion": "2.2", "description": name, "mainSteps": [{"action": "aws:runShellScript", "name": "run", "inputs": {}}]}
    ssm = world.client("ssm")
    ssm.create_document(Name=name, Content=json.dumps(content), DocumentType="Command", DocumentFormat="JSON", Tags=world.tags(name))
    if shared_with:
        ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToAdd=[shared_with])
    world.truth.resource("ssm-document", f"arn:aws:ssm:{HOME}:{ACCOUNT}:document/{name}", {"ssm-document-not-public": shared_with != "all"})


def add_logs_policy(world: Builder, name: str, *, public: bool) -> None:
    """A policy by which somebody may write logs."""
    who: Any = "*" if public else {"Service": "delivery.logs.amazonaws.com"}
    statement = allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{HOME}:{ACCOUNT}:*", Principal=who)
    world.client("logs").put_resource_policy(policyName=name, policyDocument=document(statement))
    world.truth.resource(
        "logs-resource-policy",
        f"arn:aws:logs:{HOME}:{ACCOUNT}:resource-policy:{name}",
        {"logs-resource-policy-not-public": not public},
    )


def build_messages(world: Builder) -> None:
    """As they should be."""
    add_queue(world, "openemr-mail", key="central")
    add_state_machine(world, "openemr-nightly", level="ALL", data=False, key="central")
    add_parameter(world, "/openemr/database/name", secure=True, key="central")
    add_document(world, "openemr-restart", shared_with=None)
    add_logs_policy(world, "openemr-delivery", public=False)


def build_faulty_messages(world: Builder) -> None:
    """Some that break each rule."""
    add_queue(world, "openemr-imports", key="sqs", principal=None, tls_only=False)
    add_queue(world, "openemr-partner", key=None, principal=OTHER_ACCOUNT)
    add_queue(world, "openemr-open", key="sqs", principal="*")
    add_state_machine(world, "openemr-imports", level="ERROR", data=True, key=None)
    add_state_machine(world, "openemr-legacy", level="OFF", data=False, key=None)
    add_parameter(world, "/openemr/mail/host", secure=False)
    add_parameter(world, "/openemr/mail/password", secure=True)
    add_document(world, "openemr-diagnose", shared_with=OTHER_ACCOUNT)
    add_document(world, "openemr-install", shared_with="all")
    add_logs_policy(world, "openemr-anybody", public=True)
