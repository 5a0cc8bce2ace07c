"""What people, programs and intruders did in the period, with the excerpt rules that must show each event."""

from typing import Any

from .builder import ACCOUNT, SECOND
from .trail_event import Event, event, login

#: An event and the rules that select it.
Told = tuple[Event, tuple[str, ...]]

STRANGER = "999999999999"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def told(*rules: str, of: Event) -> Told:
    """An event that these rules select, and no others."""
    return of, rules


def did(moment: str, service: str, name: str, parameters: Any, user: str = "carol.legacy", **more: Any) -> Event:
    """A call with its parameters, by a user whom nobody watches."""
    return event(moment, service, name, user, requestParameters=parameters, **more)


def role_session(role: str, name: str) -> dict[str, Any]:
    """The identity of somebody who took a role."""
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLEEXAMPLE777:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
        "accountId": ACCOUNT,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLEEXAMPLE777",
                "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                "accountId": ACCOUNT,
                "userName": role,
            }
        },
    }


def identities() -> list[Told]:
    """A user is made an administrator, roles are opened, credentials change."""
    denied = {"errorCode": "AccessDenied", "errorMessage": "User is not authorized to perform: iam:CreateUser"}
    break_glass = {"userIdentity": role_session("break-glass", "carol")}
    foreign = {"type": "AWSAccount", "principalId": "AIDAFOREIGNEXAMPLE123", "accountId": STRANGER}
    return [
        told("iam-users-changed", of=did("2026-07-03T09:00:00Z", "iam", "CreateUser", {"userName": "mallory"})),
        told("iam-users-changed", "access-denied", of=did("2026-07-03T08:58:00Z", "iam", "CreateUser", None, **denied)),
        told(
            "iam-access-keys-changed",
            of=did("2026-07-03T09:01:00Z", "iam", "CreateAccessKey", {"userName": "mallory"}),
        ),
        told(
            "iam-policies-attached-or-detached",
            "administrator-rights-given",
            of=did(
                "2026-07-03T09:02:00Z", "iam", "AttachUserPolicy", {"userName": "mallory", "policyArn": ADMINISTRATOR}
            ),
        ),
        told(
            "iam-policies-attached-or-detached",
            of=did(
                "2026-07-04T09:02:00Z", "iam", "DetachUserPolicy", {"userName": "mallory", "policyArn": ADMINISTRATOR}
            ),
        ),
        told(
            "iam-passwords-changed",
            of=did("2026-07-03T09:03:00Z", "iam", "UpdateLoginProfile", {"userName": "bob.analyst"}),
        ),
        told(
            "iam-groups-changed",
            of=did("2026-07-06T10:00:00Z", "iam", "AddUserToGroup", {"groupName": "auditors", "userName": "bob.analyst"}),
        ),
        told(
            "iam-roles-changed",
            of=did("2026-07-06T10:05:00Z", "iam", "CreateRole", {"roleName": "helper", "assumeRolePolicyDocument": "{}"}),
        ),
        told(
            "iam-role-trust-changed",
            of=did(
                "2026-07-06T10:06:00Z", "iam", "UpdateAssumeRolePolicy", {"roleName": "helper", "policyDocument": "{}"}
            ),
        ),
        told(
            "iam-inline-policies-changed",
            of=did("2026-07-06T10:07:00Z", "iam", "PutRolePolicy", {"roleName": "helper", "policyName": "all"}),
        ),
        told(
            "iam-managed-policies-changed",
            of=did("2026-07-06T10:08:00Z", "iam", "CreatePolicyVersion", {"policyArn": f"arn:aws:iam::{ACCOUNT}:policy/app"}),
        ),
        told(
            "iam-password-policy-changed",
            of=did("2026-07-07T10:00:00Z", "iam", "UpdateAccountPasswordPolicy", {"minimumPasswordLength": 6}),
        ),
        told(
            "iam-mfa-devices-changed",
            of=did("2026-07-07T10:01:00Z", "iam", "DeactivateMFADevice", {"userName": "bob.analyst"}),
        ),
        told(
            "break-glass-role-used",
            "iam-policies-attached-or-detached",
            of=did(
                "2026-07-08T22:00:00Z",
                "iam",
                "DetachRolePolicy",
                {"roleName": "helper", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
                **break_glass,
            ),
        ),
        # A read, by the same role: what an emergency was for.
        told("break-glass-role-used", of=did("2026-07-08T22:01:00Z", "rds", "DescribeDBInstances", None, **break_glass)),
        told(
            "cross-account-roles-assumed",
            of=did(
                "2026-07-09T10:00:00Z",
                "sts",
                "AssumeRole",
                {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/helper", "roleSessionName": "support"},
                userIdentity=foreign,
            ),
        ),
        told("federation-tokens-issued", of=did("2026-07-09T11:00:00Z", "sts", "GetFederationToken", {"name": "stay"})),
        told(
            "organization-accounts-changed",
            "access-denied",
            of=did("2026-07-09T12:00:00Z", "organizations", "LeaveOrganization", None, errorCode="AccessDenied"),
        ),
    ]


def watchers() -> list[Told]:
    """Logs, detectors and alarms are stopped, thinned out or silenced."""
    trail = "openemr-trail"
    log_file = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/07/03/{ACCOUNT}_CloudTrail_us-east-1_20260703T0900Z_x.json.gz"
    data = {"managementEvent": False, "eventCategory": "Data"}
    return [
        told("cloudtrail-stopped-or-changed", of=did("2026-07-10T01:00:00Z", "cloudtrail", "StopLogging", {"name": trail})),
        told("cloudtrail-stopped-or-changed", of=did("2026-07-10T03:00:00Z", "cloudtrail", "StartLogging", {"name": trail})),
        told(
            "cloudtrail-selectors-changed",
            of=did("2026-07-10T01:01:00Z", "cloudtrail", "PutEventSelectors", {"trailName": trail}, region=SECOND),
        ),
        told(
            "config-recording-changed",
            of=did(
                "2026-07-10T01:02:00Z", "config", "StopConfigurationRecorder", {"configurationRecorderName": "default"}
            ),
        ),
        told(
            "guardduty-off",
            of=did("2026-07-10T01:03:00Z", "guardduty", "UpdateDetector", {"detectorId": "12abc", "enable": False}),
        ),
        told("security-hub-off", of=did("2026-07-10T01:04:00Z", "securityhub", "DisableSecurityHub", None)),
        told(
            "log-groups-deleted-or-shortened",
            of=did("2026-07-10T01:05:00Z", "logs", "DeleteLogGroup", {"logGroupName": "/aws/cloudtrail"}),
        ),
        told(
            "alarms-changed-or-silenced",
            of=did("2026-07-10T01:06:00Z", "monitoring", "DisableAlarmActions", {"alarmNames": ["root-use"]}),
        ),
        told(
            "alarm-topics-changed",
            of=did("2026-07-10T01:07:00Z", "sns", "Unsubscribe", {"subscriptionArn": "arn:aws:sns:us-east-1:1:alarms:1"}),
        ),
        told(
            "flow-logs-changed",
            of=did(
                "2026-07-10T01:08:00Z",
                "ec2",
                "DeleteFlowLogs",
                {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1", "tag": 1}}},
            ),
        ),
        told(
            "log-objects-deleted",
            of=did("2026-07-10T01:09:00Z", "s3", "DeleteObject", {"bucketName": "openemr-cloudtrail-logs", "key": log_file}, **data),
        ),
    ]


def stores() -> list[Told]:
    """Data is opened, copied out, unprotected and deleted."""
    share = {"add": {"items": [{"userId": STRANGER}]}}
    portal = {"bucketName": "openemr-patient-portal-assets"}
    database = {"dBInstanceIdentifier": "openemr"}
    balancer = {
        "loadBalancerArn": f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/app/openemr/1",
        "attributes": [
            {"key": "idle_timeout.timeout_seconds", "value": "60"},
            {"key": "deletion_protection.enabled", "value": "false"},
        ],
    }
    refused = {"errorCode": "InvalidRequestException", "errorMessage": "The vault is locked"}
    return [
        told("s3-bucket-policy-changed", of=did("2026-08-05T10:00:00Z", "s3", "DeleteBucketPolicy", portal)),
        told("s3-public-access-block-changed", of=did("2026-08-05T10:01:00Z", "s3", "DeleteBucketPublicAccessBlock", portal)),
        told("s3-logging-changed", of=did("2026-08-05T10:02:00Z", "s3", "PutBucketLogging", portal)),
        told(
            "s3-versioning-or-lock-changed",
            of=did(
                "2026-08-05T10:03:00Z", "s3", "PutBucketVersioning", portal | {"VersioningConfiguration": {"Status": "Suspended"}}
            ),
        ),
        told("s3-lifecycle-changed", of=did("2026-08-05T10:04:00Z", "s3", "PutBucketLifecycle", portal)),
        told(
            "ebs-snapshots-shared",
            of=did(
                "2026-08-06T10:00:00Z", "ec2", "ModifySnapshotAttribute", {"snapshotId": "snap-1", "createVolumePermission": share}
            ),
        ),
        told(
            "machine-images-shared",
            of=did("2026-08-06T10:01:00Z", "ec2", "ModifyImageAttribute", {"imageId": "ami-1", "launchPermission": share}),
        ),
        told(
            "rds-snapshots-shared",
            of=did(
                "2026-08-06T10:02:00Z",
                "rds",
                "ModifyDBSnapshotAttribute",
                {"dBSnapshotIdentifier": "openemr-1", "attributeName": "restore", "valuesToAdd": [STRANGER]},
                region=SECOND,
            ),
        ),
        told(
            "deletion-protection-off",
            "databases-made-public",
            "recovery-to-a-point-in-time-off",
            of=did(
                "2026-08-07T10:00:00Z",
                "rds",
                "ModifyDBInstance",
                database | {"deletionProtection": False, "publiclyAccessible": True, "backupRetentionPeriod": 0},
            ),
        ),
        told(
            "deletion-protection-off",
            "load-balancer-listeners-changed",
            of=did("2026-08-07T10:01:00Z", "elasticloadbalancing", "ModifyLoadBalancerAttributes", balancer),
        ),
        told(
            "data-stores-deleted",
            of=did("2026-08-07T10:02:00Z", "rds", "DeleteDBInstance", database | {"skipFinalSnapshot": True}),
        ),
        told(
            "recovery-points-deleted",
            of=did("2026-08-07T10:03:00Z", "backup", "DeleteRecoveryPoint", {"backupVaultName": "main"}, **refused),
        ),
        told(
            "backup-vaults-altered",
            of=did("2026-08-07T10:04:00Z", "backup", "DeleteBackupVaultLockConfiguration", {"backupVaultName": "main"}),
        ),
        told("secrets-read", of=did("2026-08-08T10:00:00Z", "secretsmanager", "GetSecretValue", {"secretId": "openemr-db"})),
        told(
            "secrets-read",
            "access-denied",
            of=did("2026-08-08T10:01:00Z", "secretsmanager", "GetSecretValue", None, errorCode="AccessDeniedException"),
        ),
        told(
            "secrets-deleted-or-changed",
            of=did("2026-08-08T10:02:00Z", "secretsmanager", "DeleteSecret", {"secretId": "openemr-db"}),
        ),
        told(
            "parameters-decrypted",
            of=did("2026-08-08T10:03:00Z", "ssm", "GetParameters", {"names": ["/openemr/db"], "withDecryption": True}),
        ),
        told("kms-key-policy-changed", of=did("2026-08-19T15:25:00Z", "kms", "PutKeyPolicy", {"keyId": "k-1", "policy": "{}"})),
    ]


def machines() -> list[Told]:
    """Networks are opened, machines and functions entered and changed."""
    everybody = {"groupId": "sg-1", "cidrIp": "0.0.0.0/0", "fromPort": 22, "toPort": 22, "ipProtocol": "tcp"}
    internet = {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}
    public = {"functionName": "openemr-export", "principal": "*", "action": "lambda:InvokeFunction"}
    unauthorized = {"errorCode": "Client.UnauthorizedOperation"}
    return [
        told("security-groups-changed", of=did("2026-09-01T10:00:00Z", "ec2", "AuthorizeSecurityGroupIngress", everybody)),
        told("route-tables-changed", of=did("2026-09-01T10:01:00Z", "ec2", "CreateRoute", internet)),
        told(
            "gateways-changed",
            of=did("2026-09-01T10:02:00Z", "ec2", "AttachInternetGateway", {"internetGatewayId": "igw-1", "vpcId": "vpc-1"}),
        ),
        told(
            "network-acls-changed",
            of=did("2026-09-01T10:03:00Z", "ec2", "CreateNetworkAclEntry", {"networkAclId": "acl-1", "ruleAction": "allow"}),
        ),
        told("sessions-on-machines", of=did("2026-09-03T10:00:00Z", "ssm", "StartSession", {"target": "i-1"})),
        told(
            "machine-passwords-read",
            "access-denied",
            of=did("2026-09-03T10:01:00Z", "ec2", "GetPasswordData", {"instanceId": "i-1"}, **unauthorized),
        ),
        told(
            "machine-settings-weakened",
            of=did(
                "2026-09-03T10:02:00Z",
                "ec2",
                "ModifyInstanceAttribute",
                {"instanceId": "i-1", "userData": "<sensitiveDataRemoved>"},
            ),
        ),
        told(
            "commands-run-in-containers",
            of=did("2026-09-03T10:03:00Z", "ecs", "ExecuteCommand", {"cluster": "openemr", "task": "t-1"}),
        ),
        told("function-policies-changed", of=did("2026-09-04T10:00:00Z", "lambda", "AddPermission20150331v2", public)),
        told(
            "function-code-changed",
            of=did("2026-09-04T10:01:00Z", "lambda", "UpdateFunctionCode20150331v2", {"functionName": "openemr-export"}),
        ),
        told(
            "web-acls-changed",
            of=did("2026-09-04T10:02:00Z", "wafv2", "DisassociateWebACL", {"resourceArn": "arn:aws:elasticloadbalancing:x"}),
        ),
    ]


def lookalikes() -> list[Event]:
    """What shares a name, a service or an error with the above, and which no rule selects."""
    owner = {**role_session("backup-role", "b"), "invokedBy": "backup.amazonaws.com"}
    return [
        did("2026-07-11T10:00:00Z", "iotevents", "DeleteAlarms", {"alarmNames": ["root-use"]}),
        did("2026-07-11T10:01:00Z", "frauddetector", "DeleteDetector", {"detectorId": "orders"}),
        did("2026-07-11T10:02:00Z", "guardduty", "UpdateDetector", {"detectorId": "12abc", "enable": True}),
        did("2026-07-11T10:03:00Z", "apigateway", "CreateRoute", {"routeKey": "GET /"}),
        did("2026-07-11T10:04:00Z", "athena", "StartSession", {"workGroup": "primary"}),
        did("2026-07-11T10:05:00Z", "glue", "DeleteTable", {"name": "visits"}),
        did("2026-07-11T10:06:00Z", "globalaccelerator", "CreateListener", {"protocol": "TCP"}),
        did("2026-08-11T10:00:00Z", "rds", "ModifyDBInstance", {"dBInstanceIdentifier": "openemr", "deletionProtection": True}),
        did("2026-08-11T10:01:00Z", "rds", "ModifyDBInstance", {"dBInstanceIdentifier": "openemr", "backupRetentionPeriod": 35}),
        did("2026-08-11T10:02:00Z", "ssm", "GetParameter", {"name": "/openemr/motd", "withDecryption": False}),
        did("2026-08-11T10:03:00Z", "ec2", "DeleteSnapshot", {"snapshotId": "snap-2"}, userIdentity=owner),
        did("2026-08-11T10:04:00Z", "iam", "GetLoginProfile", {"userName": "bob.analyst"}, errorCode="NoSuchEntityException"),
        did("2026-08-11T10:05:00Z", "backup", "DeleteRecoveryPoint", None, eventType="AwsServiceEvent"),
        did("2026-09-11T10:00:00Z", "ec2", "ModifyInstanceAttribute", {"instanceId": "i-1", "instanceType": {"value": "t3.large"}}),
        did("2026-09-11T10:01:00Z", "sts", "AssumeRole", {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/helper"}),
        did("2026-09-11T10:02:00Z", "lambda", "Invoke", {"functionName": "openemr-export"}),
        login("2026-09-11T10:03:00Z", "alice.admin", mfa=True),
    ]


def activity() -> list[Told]:
    """All of the period's activity that an auditor should see."""
    return identities() + watchers() + stores() + machines()
