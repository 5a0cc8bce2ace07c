"""Load balancers and their listeners."""

from typing import Any

from .builder import Builder

CURRENT_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
OLD_POLICY = "ELBSecurityPolicy-2016-08"


def add_load_balancer(world: Builder, name: str, *, good: bool) -> str:
    """An application load balancer that keeps every rule, or none."""
    balancers = world.client("elbv2")
    subnets = [world.made["openemr-public-a"], world.made["openemr-public-b"]]
    groups = [world.made["openemr-alb"]]
    made = balancers.create_load_balancer(Name=name, Subnets=subnets, SecurityGroups=groups, Tags=world.tags(name))
    arn: str = made["LoadBalancers"][0]["LoadBalancerArn"]
    if good:
        attributes = {
            "deletion_protection.enabled": "true",
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": "openemr-elb-logs",
            "routing.http.drop_invalid_header_fields.enabled": "true",
        }
        pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
        balancers.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=pairs)
    world.truth.resource(
        "elbv2-load-balancer",
        arn,
        {
            "load-balancer-deletion-protection": good,
            "load-balancer-access-logs": good,
            "load-balancer-drops-invalid-headers": good,
        },
    )
    return arn


def add_target_group(world: Builder, name: str) -> str:
    """Where a listener sends what it lets through."""
    made = world.client("elbv2").create_target_group(
        Name=name, Protocol="HTTPS", Port=443, VpcId=world.made["openemr"], TargetType="ip", Tags=world.tags(name)
    )
    arn: str = made["TargetGroups"][0]["TargetGroupArn"]
    return arn


def add_http_listener(world: Builder, balancer: str, *, redirects: bool, targets: str) -> None:
    """A listener for plain HTTP."""
    redirect: dict[str, Any] = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    to_https = {"Type": "redirect", "RedirectConfig": redirect}
    action = to_https if redirects else {"Type": "forward", "TargetGroupArn": targets}
    made = world.client("elbv2").create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[action])
    arn = made["Listeners"][0]["ListenerArn"]
    outcomes = {"listener-current-tls-policy": None, "listener-http-redirected": redirects}
    world.truth.resource("elbv2-listener", arn, outcomes)


def add_https_listener(world: Builder, balancer: str, *, policy: str, targets: str) -> None:
    """A listener for HTTPS."""
    made = world.client("elbv2").create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        SslPolicy=policy,
        Certificates=[{"CertificateArn": world.made["certificate"]}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
    )
    arn = made["Listeners"][0]["ListenerArn"]
    outcomes = {"listener-current-tls-policy": policy == CURRENT_POLICY, "listener-http-redirected": None}
    world.truth.resource("elbv2-listener", arn, outcomes)


def build_balancers(world: Builder) -> None:
    """The deployment's load balancer."""
    made = world.client("acm").request_certificate(DomainName="openemr.example", IdempotencyToken="openemr")
    world.made["certificate"] = made["CertificateArn"]
    world.made["targets"] = add_target_group(world, "openemr")
    balancer = add_load_balancer(world, "openemr", good=True)
    add_http_listener(world, balancer, redirects=True, targets=world.made["targets"])
    add_https_listener(world, balancer, policy=CURRENT_POLICY, targets=world.made["targets"])


def build_faulty_balancers(world: Builder) -> None:
    """A load balancer that breaks each rule."""
    balancer = add_load_balancer(world, "openemr-legacy", good=False)
    add_http_listener(world, balancer, redirects=False, targets=world.made["targets"])
    add_https_listener(world, balancer, policy=OLD_POLICY, targets=world.made["targets"])
