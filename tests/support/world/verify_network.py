"""The networking half of verify.py."""

import json
from collections.abc import Iterator
from typing import Any

from .builder import ACCOUNT

ADMIN_PORTS = (22, 3389)
WORLD = ("0.0.0.0/0", "::/0")


def _arn(kind: str, name: str, region: str) -> str:
    return f"arn:aws:ec2:{region}:{ACCOUNT}:{kind}/{name}"


def _from_world(rule: dict[str, Any]) -> bool:
    ranges = [one["CidrIp"] for one in rule.get("IpRanges", [])] + [one["CidrIpv6"] for one in rule.get("Ipv6Ranges", [])]
    return any(one in WORLD for one in ranges)


def _admin(protocol: str, first: int | None, last: int | None) -> bool:
    if protocol == "-1":
        return True
    return any((first or 0) <= port <= (65535 if last is None else last) for port in ADMIN_PORTS)


def networks(ec2: Any, region: str) -> Iterator[tuple[str, str, dict[str, bool | None]]]:
    """Everything of a region's network that checks judge."""
    logs = ec2.describe_flow_logs()["FlowLogs"]
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        rejects = [
            log
            for log in logs
            if log["ResourceId"] == vpc["VpcId"] and log["FlowLogStatus"] == "ACTIVE" and log["TrafficType"] in ("ALL", "REJECT")
        ]
        yield "ec2-vpc", _arn("vpc", vpc["VpcId"], region), {"vpc-flow-logs": bool(rejects)}
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        default = group["GroupName"] == "default"
        admin = [
            rule
            for rule in group["IpPermissions"]
            if _from_world(rule) and _admin(rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"))
        ]
        everything = [rule for rule in group["IpPermissionsEgress"] if rule["IpProtocol"] == "-1" and _from_world(rule)]
        yield "ec2-security-group", _arn("security-group", group["GroupId"], region), {
            "security-group-default-closed": not group["IpPermissions"] and not group["IpPermissionsEgress"] if default else None,
            "security-group-no-open-admin-ports": not admin,
            "security-group-egress-restricted": None if default else not everything,
        }
    for subnet in ec2.describe_subnets()["Subnets"]:
        yield "ec2-subnet", _arn("subnet", subnet["SubnetId"], region), {"subnet-no-public-ip": not subnet["MapPublicIpOnLaunch"]}
    for acl in ec2.describe_network_acls()["NetworkAcls"]:
        opened = [
            entry
            for entry in acl["Entries"]
            if not entry["Egress"]
            and entry["RuleAction"] == "allow"
            and entry.get("CidrBlock", entry.get("Ipv6CidrBlock")) in WORLD
            and _admin(entry["Protocol"], entry.get("PortRange", {}).get("From"), entry.get("PortRange", {}).get("To"))
        ]
        yield "ec2-network-acl", _arn("network-acl", acl["NetworkAclId"], region), {"network-acl-no-open-admin-ports": not opened}
    for table in ec2.describe_route_tables()["RouteTables"]:
        opened = [
            route
            for route in table["Routes"]
            if route.get("DestinationCidrBlock", route.get("DestinationIpv6CidrBlock")) in WORLD
            and route.get("GatewayId", "").startswith("igw-")
        ]
        arn = _arn("route-table", table["RouteTableId"], region)
        yield "ec2-route-table", arn, {"route-table-no-open-internet-route": not opened}
    for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
        policy = json.loads(endpoint["PolicyDocument"])
        free = [one for one in policy["Statement"] if one["Effect"] == "Allow" and one["Action"] == "*" and one["Resource"] == "*"]
        arn = _arn("vpc-endpoint", endpoint["VpcEndpointId"], region)
        yield "ec2-vpc-endpoint", arn, {"vpc-endpoint-policy-restricted": not free}
