"""Plants secrets in a test server, in places where people leave them: `plant.py ENDPOINT < canaries.json`.

Standard input is a JSON list of canaries; standard output a JSON list of those that were planted, each in one place.
"""

import base64
import io
import json
import sys
import zipfile

import boto3
from botocore.config import Config

ENDPOINT = sys.argv[1]
CANARIES = iter(json.load(sys.stdin))
PLANTED: list[str] = []
ROLE = "arn:aws:iam::123456789012:role/planted"


def canary() -> str:
    """The next one."""
    PLANTED.append(next(CANARIES))
    return PLANTED[-1]


def client(service: str):
    """A client of the test server."""
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def token() -> str:
    """A token of GitHub's form with a canary in it."""
    return "ghp_" + (canary() + "0" * 36)[:36]


def tags(upper: bool = True) -> list[dict[str, str]]:
    """Two tags: a secret by its name, and one by its form."""
    key, value = ("Key", "Value") if upper else ("TagKey", "TagValue")
    return [{key: "db-password", value: canary()}, {key: "deploy", value: token()}, {key: "Name", value: "planted"}]


def policy(action: str, resource: str) -> str:
    """A policy document with secrets in its condition and its id."""
    statement = {
        "Sid": "AllowByReferer",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:Referer": f"https://user:{canary()}@example.com/"}},
    }
    return json.dumps({"Version": "2012-10-17", "Id": f"password={canary()}", "Statement": [statement]})


def storage() -> None:
    """Buckets, keys, secrets, topics."""
    s3 = client("s3")
    for name in ("planted-a", "planted-b", "planted-c"):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags()})
        s3.put_bucket_policy(Bucket=name, Policy=policy("s3:GetObject", f"arn:aws:s3:::{name}/*"))
    kms = client("kms")
    for _ in range(3):
        key = kms.create_key(Description=f"token: {canary()}")["KeyMetadata"]["KeyId"]
        kms.tag_resource(KeyId=key, Tags=tags(upper=False))
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy("kms:*", "*"))
    secrets = client("secretsmanager")
    for number in range(3):
        secrets.create_secret(Name=f"planted/{number}", SecretString=canary(), Description=f"password is {token()}", Tags=tags())
    sns = client("sns")
    for number in range(2):
        topic = sns.create_topic(Name=f"planted-{number}", Attributes={"DisplayName": f"api_key={canary()}"})["TopicArn"]
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy("sns:Publish", topic))
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=f"https://hook:{canary()}@example.com/x")


def identities() -> None:
    """Users, roles, policies."""
    iam = client("iam")
    for number in range(3):
        iam.create_user(UserName=f"planted-{number}", Tags=tags())
        document = {"Version": "2012-10-17", "Statement": [{"Sid": "X", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
                    "Condition": {"StringEquals": {"s3:ExistingObjectTag/secret": canary(), "aws:UserAgent": token()}}}]}
        iam.put_user_policy(UserName=f"planted-{number}", PolicyName="inline", PolicyDocument=json.dumps(document))
        document["Statement"][0]["Condition"] = {"StringEquals": {"aws:UserAgent": f"Bearer {canary()}{number}"}}
        iam.create_policy(PolicyName=f"planted-{number}", PolicyDocument=json.dumps(document))
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
             "Principal": {"Service": ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "codebuild.amazonaws.com"]}}]}
    iam.create_role(RoleName="planted", AssumeRolePolicyDocument=json.dumps(trust), Description=f"secret: {canary()}", Tags=tags())


def network() -> None:
    """Networks, instances and what they start with."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="planted", Description=f"password={canary()}", VpcId=vpc)["GroupId"]
    ec2.create_tags(Resources=[vpc, subnet, group], Tags=tags())
    script = f"#!/bin/sh\nexport JOIN={canary()}\ncurl -u admin:{canary()} https://example.com/\n"
    image = ec2.register_image(Name="planted", RootDeviceName="/dev/sda1")["ImageId"]
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, UserData=script)
    data = {"UserData": base64.b64encode(f"#!/bin/sh\necho {canary()}".encode()).decode(), "ImageId": image}
    ec2.create_launch_template(LaunchTemplateName="planted", LaunchTemplateData=data)


def programs() -> None:
    """Functions, tasks, stacks, parameters, builds."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("index.py", "")
    awslambda = client("lambda")
    for number in range(3):
        variables = {"DB_PASSWORD": canary(), "PLAIN": canary(), "TOKEN": token()}
        awslambda.create_function(FunctionName=f"planted-{number}", Runtime="python3.13", Handler="index.handler", Role=ROLE,
                                  Code={"ZipFile": archive.getvalue()}, Environment={"Variables": variables}, Tags={"secret": canary()})
    ecs = client("ecs")
    for number in range(3):
        container = {"name": "app", "image": "app", "memory": 128, "command": ["run", "--password", canary()],
                     "environment": [{"name": "PLAIN", "value": canary()}, {"name": "API_KEY", "value": canary()}]}
        ecs.register_task_definition(family=f"planted-{number}", containerDefinitions=[container])
    ssm = client("ssm")
    for number in range(3):
        ssm.put_parameter(Name=f"/planted/{number}", Value=canary(), Type="String", Description=f"password={canary()}")
    template = {"Parameters": {"Plain": {"Type": "String", "Default": canary()}}, "Outputs": {"Url": {"Value": canary()}},
                "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": f"token={canary()}"}}}}
    client("cloudformation").create_stack(StackName="planted", TemplateBody=json.dumps(template),
                                          Parameters=[{"ParameterKey": "Plain", "ParameterValue": canary()}])
    environment = {"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL",
                   "environmentVariables": [{"name": "PLAIN", "value": canary(), "type": "PLAINTEXT"}]}
    client("codebuild").create_project(name="planted", source={"type": "S3", "location": "planted-a/x.zip"}, serviceRole=ROLE,
                                       artifacts={"type": "NO_ARTIFACTS"}, environment=environment)
    client("logs").create_log_group(logGroupName="planted", tags={"secret": canary()})


for part in (storage, identities, network, programs):
    part()
json.dump(PLANTED, sys.stdout)
