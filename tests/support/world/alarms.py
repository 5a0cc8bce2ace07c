"""Who is told of what: alarms over the trail's log group, other alarms, EventBridge rules, and who reads the topics."""

from typing import Any

from .builder import ACCOUNT, HOME, Builder, allow, document

#: The checks `alarm-on-...` that ask for events by name, with the events.
EVENTS = {
    "network-acl-changes": "CreateNetworkAcl CreateNetworkAclEntry DeleteNetworkAcl DeleteNetworkAclEntry ReplaceNetworkAclEntry "
    "ReplaceNetworkAclAssociation",
    "gateway-changes": "CreateCustomerGateway DeleteCustomerGateway AttachInternetGateway CreateInternetGateway "
    "DeleteInternetGateway DetachInternetGateway",
    "route-table-changes": "CreateRoute CreateRouteTable ReplaceRoute ReplaceRouteTableAssociation DeleteRouteTable DeleteRoute "
    "DisassociateRouteTable",
    "vpc-changes": "CreateVpc DeleteVpc ModifyVpcAttribute AcceptVpcPeeringConnection CreateVpcPeeringConnection "
    "DeleteVpcPeeringConnection RejectVpcPeeringConnection",
    "security-group-changes": "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress "
    "RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup",
    "iam-policy-changes": "DeleteGroupPolicy DeleteRolePolicy DeleteUserPolicy PutGroupPolicy PutRolePolicy PutUserPolicy CreatePolicy "
    "DeletePolicy CreatePolicyVersion DeletePolicyVersion AttachRolePolicy DetachRolePolicy AttachUserPolicy DetachUserPolicy "
    "AttachGroupPolicy DetachGroupPolicy",
    "trail-changes": "CreateTrail UpdateTrail DeleteTrail StartLogging StopLogging",
    "config-changes": "StopConfigurationRecorder DeleteDeliveryChannel PutDeliveryChannel PutConfigurationRecorder",
    "key-deletion": "DisableKey ScheduleKeyDeletion",
    "bucket-policy-changes": "PutBucketAcl PutBucketPolicy PutBucketCors PutBucketLifecycle PutBucketReplication DeleteBucketPolicy "
    "DeleteBucketCors DeleteBucketLifecycle DeleteBucketReplication",
}

#: The others, with the pattern of the CIS AWS Foundations Benchmark.
PATTERNS = {
    "root-use": '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }',
    "unauthorized-calls": '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
    "sign-in-without-mfa": '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }',
    "failed-log-ins": '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
}

#: The source that a pattern may name as well.
SOURCES = {"key-deletion": "kms", "bucket-policy-changes": "s3", "config-changes": "config"}

TOPIC = f"arn:aws:sns:{HOME}:{ACCOUNT}:openemr-monitoring-alarms"
#: Nobody has subscribed to it.
EMPTY_TOPIC = f"arn:aws:sns:{HOME}:{ACCOUNT}:openemr-deployment-events"


def pattern(subject: str) -> str:
    """The filter pattern of an alarm."""
    if subject in PATTERNS:
        return PATTERNS[subject]
    events = " || ".join(f"($.eventName = {event})" for event in EVENTS[subject].split())
    source = SOURCES.get(subject)
    return f"{{ ($.eventSource = {source}.amazonaws.com) && ({events}) }}" if source else f"{{ {events} }}"


def add_alarm(
    world: Builder, name: str, *, metric: str, namespace: str, actions: list[str], heard: bool | None, muted: bool = False
) -> None:
    """An alarm. `heard`: somebody has subscribed to one of the topics among its actions; None: there is none among them."""
    world.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        MetricName=metric,
        Namespace=namespace,
        AlarmActions=actions,
        ActionsEnabled=not muted,
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Tags=world.tags(name),
    )
    world.truth.resource(
        "cloudwatch-alarm",
        f"arn:aws:cloudwatch:{HOME}:{ACCOUNT}:alarm:{name}",
        {"alarm-has-actions": bool(actions), "alarm-actions-enabled": not muted, "alarm-reaches-someone": heard},
    )


def add_trail_alarm(world: Builder, subject: str, text: str) -> None:
    """A metric filter over the trail's log group, and the alarm on its metric, as they should be."""
    group = world.made["trail-log-group"].rpartition(":log-group:")[2]
    metric = {"metricName": subject, "metricNamespace": "openemr/trail", "metricValue": "1"}
    world.client("logs").put_metric_filter(
        logGroupName=group, filterName=subject, filterPattern=text, metricTransformations=[metric]
    )
    add_alarm(world, f"trail-{subject}", metric=subject, namespace="openemr/trail", actions=[TOPIC], heard=True)


def subscribe(world: Builder, topic: str, protocol: str, endpoint: str) -> None:
    """A subscription; the test server confirms it at once."""
    world.client("sns").subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)


def add_rule(world: Builder, name: str, *, state: str = "ENABLED", targets: list[str], **when: str) -> None:
    """A rule on the default event bus."""
    events = world.client("events")
    arn = events.put_rule(Name=name, State=state, **when, Tags=world.tags(name))["RuleArn"]
    if targets:
        events.put_targets(Rule=name, Targets=[{"Id": str(number), "Arn": target} for number, target in enumerate(targets, 1)])
    world.truth.resource("events-rule", arn, {"event-rule-targets": bool(targets) if state != "DISABLED" else None})


def add_bus(world: Builder, name: str, *, principal: str | None) -> None:
    """An event bus of one's own that `principal` may put events on."""
    events = world.client("events")
    arn = events.create_event_bus(Name=name, Tags=world.tags(name))["EventBusArn"]
    if principal:
        who: Any = "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"}
        statement = allow("events:PutEvents", arn, Sid="Put", Principal=who)
        events.put_permission(EventBusName=name, Policy=document(statement))
    world.truth.resource(
        "events-bus",
        arn,
        {"event-bus-not-public": principal != "*", "event-bus-accounts": principal in (None, ACCOUNT)},
    )


def build_alarms(world: Builder) -> None:
    """What the deployment is told of."""
    subscribe(world, TOPIC, "email", "security@openemr.example")
    for subject in (*EVENTS, *PATTERNS):
        add_trail_alarm(world, subject, pattern(subject))
    add_alarm(world, "openemr-cpu", metric="CPUUtilization", namespace="AWS/ECS", actions=[TOPIC, EMPTY_TOPIC], heard=True)
    finding = '{"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"]}'
    add_rule(world, "guardduty-findings", EventPattern=finding, targets=[TOPIC])


def build_faulty_alarms(world: Builder) -> None:
    """Alarms, rules and buses that break each rule."""
    reboot = f"arn:aws:swf:{HOME}:{ACCOUNT}:action/actions/AWS_EC2.InstanceId.Reboot/1.0"
    settings: dict[str, Any] = {"metric": "StatusCheckFailed", "namespace": "AWS/EC2"}
    add_alarm(world, "legacy-nobody-reads", actions=[EMPTY_TOPIC], heard=False, **settings)
    add_alarm(world, "legacy-muted", actions=[TOPIC], heard=True, muted=True, **settings)
    add_alarm(world, "legacy-silent", actions=[], heard=None, **settings)
    add_alarm(world, "legacy-reboot", actions=[reboot], heard=None, **settings)
    add_rule(world, "nightly-export", ScheduleExpression="rate(1 day)", targets=[])
    add_rule(world, "retired-export", ScheduleExpression="rate(1 day)", targets=[], state="DISABLED")
    add_bus(world, "openemr-internal", principal=ACCOUNT)
    add_bus(world, "openemr-partner", principal="999988887777")
    add_bus(world, "openemr-open", principal="*")


def of_account(*, alarms: bool) -> dict[str, bool | str | None]:
    """What the checks of the account must find of its alarms."""
    return {f"alarm-on-{subject}": alarms for subject in (*EVENTS, *PATTERNS)}


def of_region(region: str, *, watched: bool) -> dict[str, bool | str | None]:
    """What the checks of a region must find of who is told."""
    return {"guardduty-findings-notified": region == HOME if watched else None}
