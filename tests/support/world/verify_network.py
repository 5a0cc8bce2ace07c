"""The networking half of verify.py."""

import json
from collections.abc import Iterator
from typing import Any

from .builder import ACCOUNT
from .truth import UNKNOWN

ADMIN_PORTS = (22, 3389)
#: Some of those that no group may open to the world: the seeded groups open these or none.
RISKY_PORTS = (1433, 3306, 5432, 6379)
PUBLIC_PORTS = (80, 443)
ENDPOINTS = ("glue", "athena", "monitoring", "logs", "ecr.api", "ecr.dkr")
WORLD = ("0.0.0.0/0", "::/0")


def _arn(kind: str, name: str, region: str) -> str:
    return f"arn:aws:ec2:{region}:{ACCOUNT}:{kind}/{name}"


def _from_world(rule: dict[str, Any]) -> bool:
    ranges = [one["CidrIp"] for one in rule.get("IpRanges", [])] + [one["CidrIpv6"] for one in rule.get("Ipv6Ranges", [])]
    return any(one in WORLD for one in ranges)


def _any_of(ports: tuple[int, ...], rule: dict[str, Any]) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    return any(rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65535) for port in ports)


def _one_of(ports: tuple[int, ...], rule: dict[str, Any]) -> bool:
    return rule["IpProtocol"] == "tcp" and any((rule["FromPort"], rule["ToPort"]) == (port, port) for port in ports)


def _everything_out(group: dict[str, Any]) -> bool:
    return any(rule["IpProtocol"] == "-1" and _from_world(rule) for rule in group["IpPermissionsEgress"])


def _lets_in(entries: list[dict[str, Any]], port: int) -> bool:
    """What the first entry says that is about everybody and this port."""
    for entry in sorted(entries, key=lambda entry: entry["RuleNumber"]):
        ports = entry.get("PortRange", {"From": 0, "To": 65535})
        about = entry["Protocol"] in ("-1", "6") and ports["From"] <= port <= ports["To"]
        if not entry["Egress"] and entry.get("CidrBlock") == "0.0.0.0/0" and about:
            return bool(entry["RuleAction"] == "allow")
    return False


def networks(ec2: Any, groups_of_logs: list[dict[str, Any]], region: str) -> Iterator[tuple[str, str, dict[str, bool | str | None]]]:
    """Everything of a region's network that checks judge."""
    logs = ec2.describe_flow_logs()["FlowLogs"]
    keys = {one["logGroupName"]: one.get("kmsKeyId") for one in groups_of_logs}
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    subnets = ec2.describe_subnets()["Subnets"]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    used = {one["GroupId"] for interface in ec2.describe_network_interfaces()["NetworkInterfaces"] for one in interface["Groups"]}
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        rejects = [
            log
            for log in logs
            if log["ResourceId"] == vpc["VpcId"] and log["FlowLogStatus"] == "ACTIVE" and log["TrafficType"] in ("ALL", "REJECT")
        ]
        own = {one["ServiceName"].partition(f"{region}.")[2] for one in endpoints if one["VpcId"] == vpc["VpcId"]}
        zones = {one["AvailabilityZone"] for one in subnets if one["VpcId"] == vpc["VpcId"]}
        kept = [keys[log["LogGroupName"]] for log in logs if log["ResourceId"] == vpc["VpcId"]]
        yield "ec2-vpc", _arn("vpc", vpc["VpcId"], region), {
            "vpc-flow-logs": bool(rejects),
            "vpc-flow-logs-encrypted": all(kept) if kept else None,
            "vpc-s3-gateway-endpoint": "s3" in own,
            "vpc-interface-endpoints": None if vpc["IsDefault"] else own.issuperset(ENDPOINTS),
            "vpc-subnets-in-two-zones": len(zones) > 1,
        }
    for group in groups:
        default = group["GroupName"] == "default"
        world = [rule for rule in group["IpPermissions"] if _from_world(rule)]
        yield "ec2-security-group", _arn("security-group", group["GroupId"], region), {
            "security-group-default-closed": not group["IpPermissions"] and not group["IpPermissionsEgress"] if default else None,
            "security-group-no-open-admin-ports": not any(_any_of(ADMIN_PORTS, rule) for rule in world),
            "security-group-no-open-risky-ports": not any(_any_of(RISKY_PORTS, rule) for rule in world),
            "security-group-authorized-ports": all(_one_of(PUBLIC_PORTS, rule) for rule in world),
            "security-group-egress-restricted": None if default else not _everything_out(group),
            "security-group-default-unused": group["GroupId"] not in used if default else None,
            "security-group-used": None if default else group["GroupId"] in used,
        }
    for subnet in subnets:
        yield "ec2-subnet", _arn("subnet", subnet["SubnetId"], region), {"subnet-no-public-ip": not subnet["MapPublicIpOnLaunch"]}
    for acl in ec2.describe_network_acls()["NetworkAcls"]:
        opened = any(_lets_in(acl["Entries"], port) for port in ADMIN_PORTS)
        yield "ec2-network-acl", _arn("network-acl", acl["NetworkAclId"], region), {
            "network-acl-no-open-admin-ports": not opened,
            "network-acl-used": None if acl["IsDefault"] else bool(acl["Associations"]),
        }
    ranges = {
        one["VpcPeeringConnectionId"]: [one[side]["CidrBlock"] for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
        for one in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    }
    for table in ec2.describe_route_tables()["RouteTables"]:
        opened = [
            route
            for route in table["Routes"]
            if route.get("DestinationCidrBlock", route.get("DestinationIpv6CidrBlock")) in WORLD
            and route.get("GatewayId", "").startswith("igw-")
        ]
        arn = _arn("route-table", table["RouteTableId"], region)
        peered = [route for route in table["Routes"] if route.get("VpcPeeringConnectionId")]
        whole = [
            route
            for route in peered
            if route.get("DestinationCidrBlock") in ranges.get(route.get("VpcPeeringConnectionId", ""), [])
        ]
        yield "ec2-route-table", arn, {
            "route-table-no-open-internet-route": not opened,
            "route-table-peering-least-privilege": not whole if peered else None,
        }
    for endpoint in endpoints:
        policy = json.loads(endpoint["PolicyDocument"])
        free = [one for one in policy["Statement"] if one["Effect"] == "Allow" and one["Action"] == "*" and one["Resource"] == "*"]
        arn = _arn("vpc-endpoint", endpoint["VpcEndpointId"], region)
        own_groups = [group for group in groups if group["GroupId"] in [one["GroupId"] for one in endpoint["Groups"]]]
        interface = endpoint["VpcEndpointType"] == "Interface"
        yield "ec2-vpc-endpoint", arn, {
            "vpc-endpoint-policy-restricted": not free,
            "vpc-endpoint-explicit-egress": not any(_everything_out(group) for group in own_groups) if interface else None,
        }
    yield from _ways_out(ec2, region)


def _ways_out(ec2: Any, region: str) -> Iterator[tuple[str, str, dict[str, bool | str | None]]]:
    for one in ec2.describe_internet_gateways()["InternetGateways"]:
        arn = _arn("internet-gateway", one["InternetGatewayId"], region)
        yield "ec2-internet-gateway", arn, {"internet-gateway-authorized": not one["Attachments"]}
    for one in ec2.describe_nat_gateways()["NatGateways"]:
        private = one.get("ConnectivityType") == "private"
        yield "ec2-nat-gateway", _arn("natgateway", one["NatGatewayId"], region), {"nat-gateway-authorized": private}
    for one in ec2.describe_addresses()["Addresses"]:
        attached = bool(one.get("NetworkInterfaceId") or one.get("InstanceId"))
        yield "ec2-address", _arn("elastic-ip", one["AllocationId"], region), {"elastic-ip-attached": attached}
    for one in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]:
        owners = {one["RequesterVpcInfo"]["OwnerId"], one["AccepterVpcInfo"]["OwnerId"]}
        arn = _arn("vpc-peering-connection", one["VpcPeeringConnectionId"], region)
        yield "ec2-vpc-peering-connection", arn, {"vpc-peering-trusted": owners == {ACCOUNT}}
    for one in ec2.describe_transit_gateways()["TransitGateways"]:
        closed = one["Options"]["AutoAcceptSharedAttachments"] == "disable"
        yield "ec2-transit-gateway", one["TransitGatewayArn"], {"transit-gateway-no-auto-accept": closed}
    for one in ec2.describe_transit_gateway_attachments()["TransitGatewayAttachments"]:
        arn = _arn("transit-gateway-attachment", one["TransitGatewayAttachmentId"], region)
        own = {one["TransitGatewayOwnerId"], one["ResourceOwnerId"]} == {ACCOUNT}
        yield "ec2-transit-gateway-attachment", arn, {"transit-gateway-attachment-trusted": own}
    for one in ec2.describe_vpn_connections()["VpnConnections"]:
        up = [tunnel for tunnel in one.get("VgwTelemetry", []) if tunnel["Status"] == "UP"]
        outcome = len(up) > 1 if "VgwTelemetry" in one else UNKNOWN
        yield "ec2-vpn-connection", _arn("vpn-connection", one["VpnConnectionId"], region), {"vpn-two-tunnels-up": outcome}
