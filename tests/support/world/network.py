"""EC2 networking: the deployment's VPC, a sandbox that breaks each rule, and the VPC that AWS gives every region."""

from typing import Any

from . import audit
from .builder import ACCOUNT, HOME, SECOND, Builder, allow, document

ANYWHERE = "0.0.0.0/0"


def arn_of(kind: str, name: str, region: str = HOME) -> str:
    """The ARN of something of EC2."""
    return f"arn:aws:ec2:{region}:{ACCOUNT}:{kind}/{name}"


def named(kind: str, name: str, world: Builder) -> list[dict[str, Any]]:
    """Tags as EC2 takes them when something is made."""
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
    world.truth.resource(
        "ec2-vpc",
        arn_of("vpc", vpc, region),
        # Nobody asks for endpoints of the services in a VPC that is AWS's own; its subnets are in all zones.
        {
            "vpc-flow-logs": False,
            "vpc-flow-logs-encrypted": None,
            "vpc-s3-gateway-endpoint": False,
            "vpc-interface-endpoints": None,
            "vpc-subnets-in-two-zones": True,
        },
    )
    for subnet in ec2.describe_subnets(Filters=_filter(vpc))["Subnets"]:
        world.truth.resource("ec2-subnet", arn_of("subnet", subnet["SubnetId"], region), {"subnet-no-public-ip": False})
    # moto forgets the default internet gateway and its route.
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    world.truth.resource("ec2-internet-gateway", arn_of("internet-gateway", gateway, region), {"internet-gateway-authorized": False})
    table = ec2.describe_route_tables(Filters=_filter(vpc))["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    declare_routes(world, table, opened=True, region=region)
    _default_acl(world, vpc, region, opened=True)
    _default_group(world, vpc, region, closed=False)


def _default_acl(world: Builder, vpc: str, region: str, *, opened: bool) -> None:
    """AWS's default network ACL allows everything; `opened=False` takes that entry out."""
    ec2 = world.client("ec2", region)
    acl = ec2.describe_network_acls(Filters=[*_filter(vpc), {"Name": "default", "Values": ["true"]}])["NetworkAcls"][0]
    if not opened:
        ec2.delete_network_acl_entry(NetworkAclId=acl["NetworkAclId"], RuleNumber=100, Egress=False)
    arn = arn_of("network-acl", acl["NetworkAclId"], region)
    world.truth.resource("ec2-network-acl", arn, {"network-acl-no-open-admin-ports": not opened, "network-acl-used": None})


def declare_routes(world: Builder, table: str, *, opened: bool, region: str = HOME, whole_peer: bool | None = None) -> None:
    """What holds of a route table: whether it leads to the Internet, and to all of a peer's network or a part (None: no peer)."""
    world.truth.resource(
        "ec2-route-table",
        arn_of("route-table", table, region),
        {
            "route-table-no-open-internet-route": not opened,
            "route-table-peering-least-privilege": None if whole_peer is None else not whole_peer,
        },
    )


def _default_group(world: Builder, vpc: str, region: str, *, closed: bool, used: bool = False) -> None:
    """A VPC's default security group; `closed` takes its rules out. `used`: something will be made without naming a group."""
    ec2 = world.client("ec2", region)
    names = [*_filter(vpc), {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=names)["SecurityGroups"][0]
    if closed and group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    world.truth.resource(
        "ec2-security-group",
        arn_of("security-group", group["GroupId"], region),
        {
            "security-group-default-closed": closed,
            # The default group admits its own members only.
            "security-group-no-open-admin-ports": True,
            "security-group-no-open-risky-ports": True,
            "security-group-authorized-ports": True,
            "security-group-egress-restricted": None,
            "security-group-default-unused": not used,
            "security-group-used": None,
        },
    )


def add_vpc(
    world: Builder,
    name: str,
    cidr: str,
    *,
    flow_logs: str | None,
    hardened: bool,
    plain_log_group: str | None = None,
    s3_endpoint: bool = False,
    all_endpoints: bool = False,
    two_zones: bool = False,
    default_group_used: bool = False,
) -> str:
    """A VPC with its main route table, default ACL and default group. `flow_logs`: traffic type, or None.

    They go into the deployment's group, which is encrypted, or into one that is not. The others say what it will be given: a gateway endpoint for S3, interface endpoints for all that process records,
    subnets in two zones, and interfaces without a group of their own.
    """
    ec2 = world.client("ec2")
    vpc: str = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=named("vpc", name, world))["Vpc"]["VpcId"]
    if flow_logs:
        ec2.create_flow_logs(
            ResourceIds=[vpc],
            ResourceType="VPC",
            TrafficType=flow_logs,
            LogDestinationType="cloud-watch-logs",
            LogGroupName=plain_log_group or world.made["flow-log-group"],
            DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/openemr-flow-logs",
            TagSpecifications=named("vpc-flow-log", name, world),
        )
    world.truth.resource(
        "ec2-vpc",
        arn_of("vpc", vpc),
        {
            "vpc-flow-logs": flow_logs in ("ALL", "REJECT"),
            "vpc-flow-logs-encrypted": plain_log_group is None if flow_logs else None,
            "vpc-s3-gateway-endpoint": s3_endpoint,
            "vpc-interface-endpoints": all_endpoints,
            "vpc-subnets-in-two-zones": two_zones,
        },
    )
    main = ec2.describe_route_tables(Filters=_filter(vpc))["RouteTables"][0]["RouteTableId"]
    declare_routes(world, main, opened=False)
    _default_acl(world, vpc, HOME, opened=not hardened)
    _default_group(world, vpc, HOME, closed=hardened, used=default_group_used)
    world.made[name] = vpc
    return vpc


def add_subnet(world: Builder, vpc: str, name: str, cidr: str, zone: str, *, public_ips: bool = False) -> str:
    """A subnet."""
    ec2 = world.client("ec2")
    tags = named("subnet", name, world)
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{HOME}{zone}", TagSpecifications=tags)
    subnet: str = made["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public_ips})
    world.truth.resource("ec2-subnet", arn_of("subnet", subnet), {"subnet-no-public-ip": not public_ips})
    world.made[name] = subnet
    return subnet


def add_routes(world: Builder, vpc: str, name: str, subnets: list[str], target: dict[str, str] | None) -> None:
    """A route table; its default route goes to `target`."""
    ec2 = world.client("ec2")
    made = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", name, world))
    table = made["RouteTable"]["RouteTableId"]
    if target:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, **target)
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    declare_routes(world, table, opened=bool(target) and "GatewayId" in target)
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
    risky_ports_open: bool = False,
    other_ports_open: bool = False,
    egress: list[dict[str, Any]] | None = None,
    used: bool = False,
) -> str:
    """A security group. `egress=None` leaves what AWS gives: everything to everywhere. `used`: an interface will have it."""
    ec2 = world.client("ec2")
    tags = named("security-group", name, world)
    group: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tags)["GroupId"]
    if ingress:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ingress)
    if egress is not None:
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[permission("-1", 0, 0, ANYWHERE)])
        if egress:
            ec2.authorize_security_group_egress(GroupId=group, IpPermissions=egress)
    world.truth.resource(
        "ec2-security-group",
        arn_of("security-group", group),
        {
            "security-group-default-closed": None,
            "security-group-no-open-admin-ports": not admin_ports_open,
            "security-group-no-open-risky-ports": not risky_ports_open,
            "security-group-authorized-ports": not (admin_ports_open or risky_ports_open or other_ports_open),
            "security-group-egress-restricted": egress is not None,
            "security-group-default-unused": None,
            "security-group-used": used,
        },
    )
    world.made[name] = group
    return group


def add_acl(
    world: Builder, vpc: str, name: str, entries: list[dict[str, Any]], *, admin_ports_open: bool, subnet: str | None = None
) -> None:
    """A network ACL with the given inbound entries; of a subnet, or of none."""
    ec2 = world.client("ec2")
    made = ec2.create_network_acl(VpcId=vpc, TagSpecifications=named("network-acl", name, world))
    acl = made["NetworkAcl"]["NetworkAclId"]
    for number, entry in enumerate(entries, start=1):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number * 100, Egress=False, **entry)
    if subnet:
        acls = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
        before = next(one for one in acls[0]["Associations"] if one["SubnetId"] == subnet)
        ec2.replace_network_acl_association(AssociationId=before["NetworkAclAssociationId"], NetworkAclId=acl)
    outcomes = {"network-acl-no-open-admin-ports": not admin_ports_open, "network-acl-used": subnet is not None}
    world.truth.resource("ec2-network-acl", arn_of("network-acl", acl), outcomes)


def acl_entry(action: str, first: int, last: int, cidr: str, protocol: str = "6") -> dict[str, Any]:
    """One entry of a network ACL."""
    entry: dict[str, Any] = {"Protocol": protocol, "RuleAction": action, "CidrBlock": cidr}
    return entry if protocol == "-1" else entry | {"PortRange": {"From": first, "To": last}}


def add_endpoint(
    world: Builder,
    vpc: str,
    service: str,
    *,
    restricted: bool,
    subnets: list[str] | None = None,
    group: str | None = None,
    group_restricted: bool = True,
) -> None:
    """A VPC endpoint; without `restricted` its policy is AWS's default, which allows everything.

    One without a group gets the default group on AWS; the test server names none. `group_restricted` says what the group is.
    """
    ec2 = world.client("ec2")
    everything = allow("*", "*", Principal="*")
    own = allow([f"{service}:*"], "*", Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}})
    where: dict[str, Any] = {"VpcEndpointType": "Interface", "SubnetIds": subnets} if subnets else {"VpcEndpointType": "Gateway"}
    if group:
        where["SecurityGroupIds"] = [group]
    made = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{HOME}.{service}",
        PolicyDocument=document(own if restricted else everything),
        TagSpecifications=named("vpc-endpoint", f"openemr-{service}", world),
        **where,
    )
    world.truth.resource(
        "ec2-vpc-endpoint",
        arn_of("vpc-endpoint", made["VpcEndpoint"]["VpcEndpointId"]),
        {"vpc-endpoint-policy-restricted": restricted, "vpc-endpoint-explicit-egress": group_restricted if subnets else None},
    )


def build_network(world: Builder) -> None:
    """The deployment's VPC: public subnets for the load balancer, private ones for the rest."""
    delete_default_vpc(world, HOME)
    ec2 = world.client("ec2")
    # The gateway's and the endpoints' interfaces get the default group.
    vpc = add_vpc(
        world, "openemr", "10.0.0.0/16", flow_logs="ALL", hardened=True, s3_endpoint=True, two_zones=True, default_group_used=True
    )
    public = [add_subnet(world, vpc, f"openemr-public-{zone}", f"10.0.{index}.0/24", zone) for index, zone in enumerate("ab")]
    private = [add_subnet(world, vpc, f"openemr-private-{zone}", f"10.0.{index + 10}.0/24", zone) for index, zone in enumerate("ab")]
    made = ec2.create_internet_gateway(TagSpecifications=named("internet-gateway", "openemr", world))
    gateway = made["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    # No parameter names the VPCs that may reach the Internet.
    world.truth.resource("ec2-internet-gateway", arn_of("internet-gateway", gateway), {"internet-gateway-authorized": False})
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    world.truth.resource("ec2-address", arn_of("elastic-ip", address), {"elastic-ip-attached": True})
    nat = ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address, ClientToken="openemr-nat")["NatGateway"]["NatGatewayId"]
    world.truth.resource("ec2-nat-gateway", arn_of("natgateway", nat), {"nat-gateway-authorized": False})
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
    desktop = [permission("tcp", 3000, 4000, "::/0")]
    add_group(world, vpc, "openemr-remote-desktop", desktop, admin_ports_open=True, risky_ports_open=True, egress=[])
    add_group(world, vpc, "openemr-debug", [permission("-1", 0, 0, ANYWHERE)], admin_ports_open=True, risky_ports_open=True)
    add_group(world, vpc, "openemr-alternative", [permission("tcp", 8443, 8443, ANYWHERE)], other_ports_open=True, egress=[])
    # Everything, but from inside only; 22 from one office: neither is open to the world.
    office = permission("tcp", 22, 22, "203.0.113.7/32")
    internal = add_group(world, vpc, "openemr-internal", [*everything_inside, office], egress=everything_inside, used=True)
    ec2 = world.client("ec2")
    ec2.create_network_interface(SubnetId=world.made["openemr-private-a"], Groups=[internal], ClientToken="openemr-internal")
    add_acl(world, vpc, "openemr-maintenance", [acl_entry("allow", 20, 25, ANYWHERE)], admin_ports_open=True)
    # Whatever comes is let in, but the two ports were shut before: entries count in order.
    shut = [acl_entry("deny", port, port, ANYWHERE) for port in (22, 3389)]
    ordered = [*shut, acl_entry("allow", 0, 0, ANYWHERE, protocol="-1")]
    add_acl(world, vpc, "openemr-ordered", ordered, admin_ports_open=False, subnet=world.made["openemr-private-b"])
    audit.add_log_group(world, "/aws/vpc/sandbox", key=None, days=400)
    sandbox = add_vpc(world, "sandbox", "10.99.0.0/16", flow_logs="ACCEPT", hardened=False, plain_log_group="/aws/vpc/sandbox")
    add_subnet(world, sandbox, "sandbox-public", "10.99.0.0/24", "a", public_ips=True)
    healthlake = add_vpc(
        world,
        "synthetic-healthlake",
        "10.50.0.0/16",
        flow_logs="REJECT",
        hardened=True,
        all_endpoints=True,
        default_group_used=True,
    )
    private = add_subnet(world, healthlake, "synthetic-healthlake-private", "10.50.1.0/24", "a")
    inside = permission("tcp", 443, 443, "10.50.0.0/16")
    tasks = add_group(world, healthlake, "synthetic-healthlake-tasks", [], egress=[inside])
    careless = add_group(world, healthlake, "synthetic-healthlake-careless", [])
    for service in ("glue", "athena", "logs", "ecr.api", "ecr.dkr"):
        add_endpoint(world, healthlake, service, restricted=True, subnets=[private], group=tasks)
    add_endpoint(world, healthlake, "monitoring", restricted=True, subnets=[private], group=careless, group_restricted=False)
    keep_default_vpc(world, SECOND)
