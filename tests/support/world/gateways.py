"""What leads out of a VPC beside its internet gateway: peers, transit gateways, VPN connections, a gateway and an address to spare."""

from .builder import Builder
from .network import arn_of, declare_routes, named
from .truth import UNKNOWN


def build_gateways(world: Builder) -> None:
    """One that keeps each rule and one that breaks it, as far as the server can make both."""
    _peering(world)
    _spare(world)
    _transit(world)
    _vpn(world)


def _peering(world: Builder) -> None:
    """The deployment's VPC and the sandbox; one table leads to all of the sandbox, one to a subnet."""
    ec2 = world.client("ec2")
    vpc, tags = world.made["openemr"], named("vpc-peering-connection", "sandbox", world)
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=world.made["sandbox"], TagSpecifications=tags)
    peering = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    world.truth.resource("ec2-vpc-peering-connection", arn_of("vpc-peering-connection", peering), {"vpc-peering-trusted": True})
    for name, cidr, whole in [("openemr-peer", "10.99.0.0/16", True), ("openemr-peer-subnet", "10.99.0.0/24", False)]:
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", name, world))["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=cidr, VpcPeeringConnectionId=peering)
        declare_routes(world, table, opened=False, whole_peer=whole)


def _spare(world: Builder) -> None:
    """An internet gateway and an address that nothing uses."""
    ec2 = world.client("ec2")
    made = ec2.create_internet_gateway(TagSpecifications=named("internet-gateway", "openemr-spare", world))
    gateway = arn_of("internet-gateway", made["InternetGateway"]["InternetGatewayId"])
    world.truth.resource("ec2-internet-gateway", gateway, {"internet-gateway-authorized": True})
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    world.truth.resource("ec2-address", arn_of("elastic-ip", address), {"elastic-ip-attached": False})


def _transit(world: Builder) -> None:
    ec2 = world.client("ec2")
    made = {}
    for name, accepts in [("openemr", False), ("openemr-open", True)]:
        options = {"AutoAcceptSharedAttachments": "enable" if accepts else "disable"}
        tags = named("transit-gateway", name, world)
        made = ec2.create_transit_gateway(Description=name, Options=options, TagSpecifications=tags)["TransitGateway"]
        world.truth.resource("ec2-transit-gateway", made["TransitGatewayArn"], {"transit-gateway-no-auto-accept": not accepts})
    attached = ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=made["TransitGatewayId"], VpcId=world.made["openemr"], SubnetIds=[world.made["openemr-private-a"]]
    )["TransitGatewayVpcAttachment"]
    arn = arn_of("transit-gateway-attachment", attached["TransitGatewayAttachmentId"])
    world.truth.resource("ec2-transit-gateway-attachment", arn, {"transit-gateway-attachment-trusted": True})


def _vpn(world: Builder) -> None:
    """A connection of which the server does not report the tunnels: whether they are up is not known."""
    ec2 = world.client("ec2")
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    customer = ec2.create_customer_gateway(Type="ipsec.1", IpAddress="203.0.113.20", BgpAsn=65000)["CustomerGateway"]["CustomerGatewayId"]
    made = ec2.create_vpn_connection(Type="ipsec.1", CustomerGatewayId=customer, VpnGatewayId=gateway)["VpnConnection"]
    arn = arn_of("vpn-connection", made["VpnConnectionId"])
    world.truth.resource("ec2-vpn-connection", arn, {"vpn-two-tunnels-up": UNKNOWN})
