"""EC2 networking: the deployment's VPC, a sandbox that breaks each rule, and the VPC that AWS gives every region."""

from typing import Any

from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document

ANYWHERE = "0.0.0.0/0"


def _arn(kind: str, name: str, region: str = HOME) -> str:
    return f"arn:aws:ec2:{region}:{ACCOUNT}:{kind}/{name}"


def _named(kind: str, name: str, world: Builder) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": world.tags(name)}]


def _filter(vpc: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc]}]


def delete_default_vpc(world: Builder, region: str) -> None:
    """Hardened accounts have none."""
    ec2 = world.client("ec2", region)
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    for subnet in ec2.describe_subnets(Filters=_filter(vpc))["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc)


def keep_default_vpc(world: Builder, region: str) -> None:
    """A region that nobody uses, as AWS made it: no flow logs, public subnets, everything open."""
    ec2 = world.client("ec2", region)
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    world.truth.resource("ec2-vpc", _arn("vpc", vpc, region), {"vpc-flow-logs": False})
    for subnet in ec2.describe_subnets(Filters=_filter(vpc))["Subnets"]:
        world.truth.resource("ec2-subnet", _arn("subnet", subnet["SubnetId"], region), {"subnet-no-public-ip": False})
    # moto forgets the default internet gateway and its route.
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.describe_route_tables(Filters=_filter(vpc))["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    world.truth.resource("ec2-route-table", _arn("route-table", table, region), {"route-table-no-open-internet-route": False})
    _default_acl(world, vpc, region, opened=True)
    _default_group(world, vpc, region, closed=False)


def _default_acl(world: Builder, vpc: str, region: str, *, opened: bool) -> None:
    """AWS's default network ACL allows everything; `opened=False` takes that entry out."""
    ec2 = world.client("ec2", region)
    acl = ec2.describe_network_acls(Filters=[*_filter(vpc), {"Name": "default", "Values": ["true"]}])["NetworkAcls"][0]
    if not opened:
        ec2.delete_network_acl_entry(NetworkAclId=acl["NetworkAclId"], RuleNumber=100, Egress=False)
    arn = _arn("network-acl", acl["NetworkAclId"], region)
    world.truth.resource("ec2-network-acl", arn, {"network-acl-no-open-admin-ports": not opened})


def _default_group(world: Builder, vpc: str, region: str, *, closed: bool) -> None:
    """A VPC's default security group; `closed` takes its rules out."""
    ec2 = world.client("ec2", region)
    names = [*_filter(vpc), {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=names)["SecurityGroups"][0]
    if closed and group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    world.truth.resource(
        "ec2-security-group",
        _arn("security-group", group["GroupId"], region),
        {
            "security-group-default-closed": closed,
            # The default group admits its own members only.
            "security-group-no-open-admin-ports": True,
            "security-group-egress-restricted": None,
        },
    )


def add_vpc(world: Builder, name: str, cidr: str, *, flow_logs: str | None, hardened: bool) -> str:
    """A VPC with its main route table, default ACL and default group. `flow_logs`: traffic type, or None."""
    ec2 = world.client("ec2")
    vpc: str = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=_named("vpc", name, world))["Vpc"]["VpcId"]
    if flow_logs:
        ec2.create_flow_logs(
            ResourceIds=[vpc],
            ResourceType="VPC",
            TrafficType=flow_logs,
            LogDestinationType="cloud-watch-logs",
            LogGroupName=world.made["flow-log-group"],
            DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/openemr-flow-logs",
            TagSpecifications=_named("vpc-flow-log", name, world),
        )
    world.truth.resource("ec2-vpc", _arn("vpc", vpc), {"vpc-flow-logs": flow_logs in ("ALL", "REJECT")})
    main = ec2.describe_route_tables(Filters=_filter(vpc))["RouteTables"][0]["RouteTableId"]
    world.truth.resource("ec2-route-table", _arn("route-table", main), {"route-table-no-open-internet-route": True})
    _default_acl(world, vpc, HOME, opened=not hardened)
    _default_group(world, vpc, HOME, closed=hardened)
    world.made[name] = vpc
    return vpc


def add_subnet(world: Builder, vpc: str, name: str, cidr: str, zone: str, *, public_ips: bool = False) -> str:
    """A subnet."""
    ec2 = world.client("ec2")
    tags = _named("subnet", name, world)
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{HOME}{zone}", TagSpecifications=tags)
    subnet: str = made["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public_ips})
    world.truth.resource("ec2-subnet", _arn("subnet", subnet), {"subnet-no-public-ip": not public_ips})
    world.made[name] = subnet
    return subnet


def add_routes(world: Builder, vpc: str, name: str, subnets: list[str], target: dict[str, str] | None) -> None:
    """A route table; its default route goes to `target`."""
    ec2 = world.client("ec2")
    made = ec2.create_route_table(VpcId=vpc, TagSpecifications=_named("route-table", name, world))
    table = made["RouteTable"]["RouteTableId"]
    if target:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, **target)
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    opened = bool(target) and "GatewayId" in target
    arn = _arn("route-table", table)
    world.truth.resource("ec2-route-table", arn, {"route-table-no-open-internet-route": not opened})
    world.made[name] = table


def permission(protocol: str, first: int, last: int, source: str) -> dict[str, Any]:
    """One security group rule; `source` is a CIDR of either family."""
    rule: dict[str, Any] = {"IpProtocol": protocol}
    if protocol != "-1":
        rule |= {"FromPort": first, "ToPort": last}
    if ":" in source:
        return rule | {"Ipv6Ranges": [{"CidrIpv6": source}]}
    return rule | {"IpRanges": [{"CidrIp": source}]}


def add_group(
    world: Builder,
    vpc: str,
    name: str,
    ingress: list[dict[str, Any]],
    *,
    admin_ports_open: bool = False,
    egress: list[dict[str, Any]] | None = None,
) -> str:
    """A security group. `egress=None` leaves what AWS gives: everything to everywhere."""
    ec2 = world.client("ec2")
    tags = _named("security-group", name, world)
    group: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tags)["GroupId"]
    if ingress:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ingress)
    if egress is not None:
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[permission("-1", 0, 0, ANYWHERE)])
        if egress:
            ec2.authorize_security_group_egress(GroupId=group, IpPermissions=egress)
    world.truth.resource(
        "ec2-security-group",
        _arn("security-group", group),
        {
            "security-group-default-closed": None,
            "security-group-no-open-admin-ports": not admin_ports_open,
            "security-group-egress-restricted": egress is not None,
        },
    )
    world.made[name] = group
    return group


def add_acl(world: Builder, vpc: str, name: str, entries: list[dict[str, Any]], *, admin_ports_open: bool) -> None:
    """A network ACL with the given inbound entries."""
    ec2 = world.client("ec2")
    made = ec2.create_network_acl(VpcId=vpc, TagSpecifications=_named("network-acl", name, world))
    acl = made["NetworkAcl"]["NetworkAclId"]
    for number, entry in enumerate(entries, start=1):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number * 100, Egress=False, **entry)
    arn = _arn("network-acl", acl)
    world.truth.resource("ec2-network-acl", arn, {"network-acl-no-open-admin-ports": not admin_ports_open})


def acl_entry(action: str, first: int, last: int, cidr: str, protocol: str = "6") -> dict[str, Any]:
    """One entry of a network ACL."""
    entry: dict[str, Any] = {"Protocol": protocol, "RuleAction": action, "CidrBlock": cidr}
    return entry if protocol == "-1" else entry | {"PortRange": {"From": first, "To": last}}


def add_endpoint(world: Builder, vpc: str, service: str, *, restricted: bool, subnets: list[str] | None = None) -> None:
    """A VPC endpoint; without `restricted` its policy is AWS's default, which allows everything."""
    ec2 = world.client("ec2")
    everything = allow("*", "*", Principal="*")
    own = allow([f"{service}:*"], "*", Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}})
    where = {"VpcEndpointType": "Interface", "SubnetIds": subnets} if subnets else {"VpcEndpointType": "Gateway"}
    made = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{HOME}.{service}",
        PolicyDocument=document(own if restricted else everything),
        TagSpecifications=_named("vpc-endpoint", f"openemr-{service}", world),
        **where,
    )
    arn = _arn("vpc-endpoint", made["VpcEndpoint"]["VpcEndpointId"])
    world.truth.resource("ec2-vpc-endpoint", arn, {"vpc-endpoint-policy-restricted": restricted})


def build_network(world: Builder) -> None:
    """The deployment's VPC: public subnets for the load balancer, private ones for the rest."""
    delete_default_vpc(world, HOME)
    ec2 = world.client("ec2")
    vpc = add_vpc(world, "openemr", "10.0.0.0/16", flow_logs="ALL", hardened=True)
    public = [add_subnet(world, vpc, f"openemr-public-{zone}", f"10.0.{index}.0/24", zone) for index, zone in enumerate("ab")]
    private = [add_subnet(world, vpc, f"openemr-private-{zone}", f"10.0.{index + 10}.0/24", zone) for index, zone in enumerate("ab")]
    made = ec2.create_internet_gateway(TagSpecifications=_named("internet-gateway", "openemr", world))
    gateway = made["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address, ClientToken="openemr-nat")["NatGateway"]["NatGatewayId"]
    add_routes(world, vpc, "openemr-public", public, {"GatewayId": gateway})
    add_routes(world, vpc, "openemr-private", private, {"NatGatewayId": nat})
    inside = permission("tcp", 443, 443, "10.0.0.0/16")
    web = [permission("tcp", 80, 80, ANYWHERE), permission("tcp", 443, 443, ANYWHERE), permission("tcp", 443, 443, "::/0")]
    add_group(world, vpc, "openemr-alb", web, egress=[inside])
    add_group(world, vpc, "openemr-ecs", [inside], egress=[inside, permission("tcp", 3306, 3306, "10.0.0.0/16")])
    add_group(world, vpc, "openemr-database", [permission("tcp", 3306, 3306, "10.0.0.0/16")], egress=[])
    add_group(world, vpc, "openemr-endpoints", [inside], egress=[inside])
    entries = [acl_entry("allow", 443, 443, ANYWHERE), acl_entry("deny", 22, 22, ANYWHERE), acl_entry("allow", 22, 22, "10.0.0.0/8")]
    add_acl(world, vpc, "openemr-private", entries, admin_ports_open=False)
    add_endpoint(world, vpc, "s3", restricted=True)
    add_endpoint(world, vpc, "secretsmanager", restricted=True, subnets=private)
    add_endpoint(world, vpc, "logs", restricted=False, subnets=private)


def build_faulty_network(world: Builder) -> None:
    """Security groups, ACLs and a VPC that break each rule."""
    vpc = world.made["openemr"]
    everything_inside = [permission("-1", 0, 0, "10.0.0.0/8")]
    add_group(world, vpc, "openemr-bastion", [permission("tcp", 22, 22, ANYWHERE)], admin_ports_open=True, egress=[])
    add_group(world, vpc, "openemr-remote-desktop", [permission("tcp", 3000, 4000, "::/0")], admin_ports_open=True, egress=[])
    add_group(world, vpc, "openemr-debug", [permission("-1", 0, 0, ANYWHERE)], admin_ports_open=True)
    # Everything, but from inside only; 22 from one office: neither is open to the world.
    office = permission("tcp", 22, 22, "203.0.113.7/32")
    add_group(world, vpc, "openemr-internal", [*everything_inside, office], egress=everything_inside)
    add_acl(world, vpc, "openemr-maintenance", [acl_entry("allow", 20, 25, ANYWHERE)], admin_ports_open=True)
    sandbox = add_vpc(world, "sandbox", "10.99.0.0/16", flow_logs="ACCEPT", hardened=False)
    add_subnet(world, sandbox, "sandbox-public", "10.99.0.0/24", "a", public_ips=True)
    healthlake = add_vpc(world, "synthetic-healthlake", "10.50.0.0/16", flow_logs="REJECT", hardened=True)
    private = add_subnet(world, healthlake, "synthetic-healthlake-private", "10.50.1.0/24", "a")
    inside = permission("tcp", 443, 443, "10.50.0.0/16")
    add_group(world, healthlake, "synthetic-healthlake-tasks", [], egress=[inside])
    for service in ("glue", "athena"):
        add_endpoint(world, healthlake, service, restricted=True, subnets=[private])
    keep_default_vpc(world, SECOND)
