"""Reads back what `alarms` and `messages` made: see verify.py."""

import json
from typing import Any

from .builder import ACCOUNT, HOME
from .truth import checks_of


def _accounts(policy: Any) -> set[str]:
    """Account ids, and `*`, that a policy grants something to."""
    decoded = json.loads(policy) if isinstance(policy, str) else (policy or {})
    found = set()
    for statement in decoded.get("Statement", []):
        principal = statement.get("Principal", {})
        names = principal.get("AWS", []) if isinstance(principal, dict) else [principal]
        for name in [names] if isinstance(names, str) else names:
            if statement["Effect"] == "Allow":
                found.add(name.split(":")[4] if ":" in name else name)
    return found


def _confirmed(sns: Any, topic: str) -> bool:
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return any(one["SubscriptionArn"].startswith("arn:") for one in subscriptions)


def messages(reader: Any) -> Any:
    """Queues, state machines, parameters, documents and policies of CloudWatch Logs."""
    sqs = reader.client("sqs", HOME)
    for url in sqs.list_queues().get("QueueUrls", []):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        policy = found.get("Policy", "{}")
        yield "sqs-queue", found["QueueArn"], {
            "sqs-queue-encrypted": "KmsMasterKeyId" in found or found.get("SqsManagedSseEnabled") == "true",
            "sqs-queue-not-public": "*" not in _accounts(policy),
            "sqs-queue-accounts": _accounts(policy) <= {ACCOUNT},
            "sqs-queue-tls-only": "aws:SecureTransport" in policy,
        }
    states = reader.client("stepfunctions", HOME)
    for machine in states.list_state_machines()["stateMachines"]:
        about = states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
        logging = about["loggingConfiguration"]
        off = logging["level"] == "OFF"
        yield "stepfunctions-state-machine", machine["stateMachineArn"], {
            "state-machine-logging": not off,
            "state-machine-no-data-in-logs": None if off else not logging["includeExecutionData"],
            "state-machine-customer-key": bool(about["encryptionConfiguration"].get("kmsKeyId")),
        }
    ssm = reader.client("ssm", HOME)
    for parameter in ssm.describe_parameters()["Parameters"]:
        secure = parameter["Type"] == "SecureString"
        own = parameter.get("KeyId", "").startswith("arn:")
        yield "ssm-parameter", f"arn:aws:ssm:{HOME}:{ACCOUNT}:parameter{parameter['Name']}", {
            "ssm-parameter-secure": secure,
            "ssm-parameter-customer-key": own if secure else None,
        }
    for document in ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]:
        shared = ssm.describe_document_permission(Name=document["Name"], PermissionType="Share")["AccountIds"]
        arn = f"arn:aws:ssm:{HOME}:{ACCOUNT}:document/{document['Name']}"
        yield "ssm-document", arn, {"ssm-document-not-public": "all" not in shared}
    for policy in reader.client("logs", HOME).describe_resource_policies()["resourcePolicies"]:
        arn = f"arn:aws:logs:{HOME}:{ACCOUNT}:resource-policy:{policy['policyName']}"
        yield "logs-resource-policy", arn, {"logs-resource-policy-not-public": "*" not in _accounts(policy["policyDocument"])}


def alarms(reader: Any) -> Any:
    """Alarms, rules and event buses; and whether each subject of `alarm-on-...` is told to somebody."""
    sns, logs = reader.client("sns", HOME), reader.client("logs", HOME)
    heard: dict[str, bool] = {}
    for alarm in reader.client("cloudwatch", HOME).describe_alarms()["MetricAlarms"]:
        topics = [action for action in alarm["AlarmActions"] if ":sns:" in action]
        told = any(_confirmed(sns, topic) for topic in topics)
        heard[f"{alarm.get('Namespace')}/{alarm.get('MetricName')}"] = told and alarm["ActionsEnabled"]
        yield "cloudwatch-alarm", alarm["AlarmArn"], {
            "alarm-has-actions": bool(alarm["AlarmActions"]),
            "alarm-actions-enabled": alarm["ActionsEnabled"],
            "alarm-reaches-someone": told if topics else None,
        }
    trails = [one.get("CloudWatchLogsLogGroupArn", "") for one in reader.client("cloudtrail", HOME).describe_trails()["trailList"]]
    filters = [
        one
        for one in logs.describe_metric_filters()["metricFilters"]
        if any(f":log-group:{one['logGroupName']}:" in trail for trail in trails)
    ]
    subjects = {check.removeprefix("alarm-on-") for check in checks_of("aws-account") if check.startswith("alarm-on-")}
    subjects.discard("organization-changes")
    told_of = {one["filterName"] for one in filters for to in one["metricTransformations"] if heard.get(f"{to['metricNamespace']}/{to['metricName']}")}
    yield "aws-account", f"arn:aws:iam::{ACCOUNT}:root", {f"alarm-on-{subject}": subject in told_of for subject in subjects}
    for region in reader.regions:
        events = reader.client("events", region)
        for bus in events.list_event_buses()["EventBuses"]:
            accounts = _accounts(bus.get("Policy", "{}"))
            yield "events-bus", bus["Arn"], {"event-bus-not-public": "*" not in accounts, "event-bus-accounts": accounts <= {ACCOUNT}}
            for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]:
                targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus["Name"])["Targets"]
                on = rule["State"] != "DISABLED"
                yield "events-rule", rule["Arn"], {"event-rule-targets": bool(targets) if on else None}
