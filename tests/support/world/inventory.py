"""What is there without anybody having made it by itself: AWS's own policies in use, default event buses, the list of tagged resources."""

from .builder import ACCOUNT, HOME, Builder

REQUIRED_TAGS = ("Project", "Environment")


def take_inventory(world: Builder) -> None:
    """Declares all of it, once everything else is built."""
    for region in world.truth.regions:
        arn = f"arn:aws:events:{region}:{ACCOUNT}:event-bus/default"
        # It takes events of its own account only.
        world.truth.resource("events-bus", arn, {"event-bus-not-public": True, "event-bus-accounts": True})
        _tagged(world, region)
        # An alarm on AWS/ECS leads to somebody where there are alarms at all.
        clusters = world.client("ecs", region).list_clusters()["clusterArns"]
        told = region == HOME and "trail-log-group" in world.made
        place = f"arn:aws:ec2:{region}:{ACCOUNT}:region/{region}"
        world.truth.more(place, {"ecs-task-failure-notified": told if clusters else None})
    # The server dates every certificate back to 2012.
    for certificate in world.client("iam").list_server_certificates()["ServerCertificateMetadataList"]:
        world.truth.resource("iam-server-certificate", certificate["Arn"], {"iam-server-certificate-not-expired": False})
    # Which are attached depends on what was built; what they allow is known.
    for policy in world.client("iam").list_policies(Scope="AWS", OnlyAttached=True)["Policies"]:
        administrator = policy["PolicyName"] == "AdministratorAccess"
        world.truth.resource("iam-aws-policy", policy["Arn"], {"iam-aws-policy-no-admin": not administrator})


def _tagged(world: Builder, region: str) -> None:
    """The tagging API lists other kinds' resources once more; which ones, and with which tags, is the server's to say."""
    pages = world.client("resourcegroupstaggingapi", region).get_paginator("get_resources").paginate()
    for resource in (one for page in pages for one in page["ResourceTagMappingList"]):
        tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
        world.truth.again(resource["ResourceARN"], {"resource-required-tags": all(tags.get(name) for name in REQUIRED_TAGS)})
