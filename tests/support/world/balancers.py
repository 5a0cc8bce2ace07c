"""Load balancers and their listeners."""

from typing import Any

from .builder import Builder

CURRENT_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
OLD_POLICY = "ELBSecurityPolicy-2016-08"


def add_load_balancer(world: Builder, name: str, *, good: bool, web_acl: str | None = None) -> str:
    """An application load balancer that keeps every rule, or none; with or without a web ACL."""
    balancers = world.client("elbv2")
    subnets = [world.made["openemr-public-a"], world.made["openemr-public-b"]]
    groups = [world.made["openemr-alb"]]
    made = balancers.create_load_balancer(Name=name, Subnets=subnets, SecurityGroups=groups, Tags=world.tags(name))
    arn: str = made["LoadBalancers"][0]["LoadBalancerArn"]
    if web_acl:
        world.client("wafv2").associate_web_acl(WebACLArn=web_acl, ResourceArn=arn)
    attributes = {"waf.fail_open.enabled": "true", "routing.http.desync_mitigation_mode": "monitor"}
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
            "load-balancer-waf": web_acl is not None,
            "load-balancer-waf-fails-closed": good,
            "load-balancer-desync-mitigation": good,
            **ABOUT_OTHERS,
        },
    )
    return arn


#: What is asked of network load balancers, and of accounts with Shield Advanced.
ABOUT_OTHERS: dict[str, bool | None] = {"load-balancer-cross-zone": None, "load-balancer-shield-advanced": None}


def add_network_load_balancer(world: Builder, name: str, *, good: bool) -> str:
    """A network load balancer that keeps every rule, or none, with a listener that takes TLS or plain TCP."""
    balancers = world.client("elbv2")
    subnets = [world.made["openemr-private-a"]]
    made = balancers.create_load_balancer(Name=name, Type="network", Scheme="internal", Subnets=subnets, Tags=world.tags(name))
    arn: str = made["LoadBalancers"][0]["LoadBalancerArn"]
    if good:
        attributes = {
            "deletion_protection.enabled": "true",
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": "openemr-elb-logs",
            "load_balancing.cross_zone.enabled": "true",
        }
        pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
        balancers.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=pairs)
    world.truth.resource(
        "elbv2-load-balancer",
        arn,
        {
            "load-balancer-deletion-protection": good,
            "load-balancer-access-logs": good,
            "load-balancer-cross-zone": good,
            **dict.fromkeys(
                (
                    "load-balancer-drops-invalid-headers",
                    "load-balancer-waf",
                    "load-balancer-waf-fails-closed",
                    "load-balancer-desync-mitigation",
                    "load-balancer-shield-advanced",
                )
            ),
        },
    )
    targets = add_target_group(world, name, protocol="TLS" if good else "TCP")
    tls = {"Certificates": [{"CertificateArn": world.made["acm-certificate"]}], "SslPolicy": CURRENT_POLICY} if good else {}
    forward = [{"Type": "forward", "TargetGroupArn": targets}]
    made = balancers.create_listener(LoadBalancerArn=arn, Protocol="TLS" if good else "TCP", Port=443, DefaultActions=forward, **tls)
    world.truth.resource(
        "elbv2-listener",
        made["Listeners"][0]["ListenerArn"],
        {
            "listener-current-tls-policy": True if good else None,
            "listener-http-redirected": None,
            "listener-acm-certificate": True if good else None,
            "listener-encrypted": good,
        },
    )
    return arn


def add_target_group(world: Builder, name: str, *, protocol: str = "HTTPS") -> str:
    """Where a listener sends what it lets through."""
    made = world.client("elbv2").create_target_group(
        Name=name, Protocol=protocol, Port=443, VpcId=world.made["openemr"], TargetType="ip", Tags=world.tags(name)
    )
    arn: str = made["TargetGroups"][0]["TargetGroupArn"]
    world.truth.resource("elbv2-target-group", arn, {"target-group-encrypted": protocol in ("HTTPS", "TLS")})
    return arn


def add_http_listener(world: Builder, balancer: str, *, redirects: bool, targets: str) -> None:
    """A listener for plain HTTP."""
    redirect: dict[str, Any] = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    to_https = {"Type": "redirect", "RedirectConfig": redirect}
    action = to_https if redirects else {"Type": "forward", "TargetGroupArn": targets}
    made = world.client("elbv2").create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[action])
    arn = made["Listeners"][0]["ListenerArn"]
    outcomes = {"listener-current-tls-policy": None, "listener-http-redirected": redirects}
    world.truth.resource("elbv2-listener", arn, {**outcomes, "listener-acm-certificate": None, "listener-encrypted": None})


def add_https_listener(world: Builder, balancer: str, *, policy: str, targets: str, certificate: str = "certificate") -> None:
    """A listener for HTTPS, with a certificate of IAM or with that of ACM."""
    made = world.client("elbv2").create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        SslPolicy=policy,
        Certificates=[{"CertificateArn": world.made[certificate]}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
    )
    arn = made["Listeners"][0]["ListenerArn"]
    outcomes = {"listener-current-tls-policy": policy == CURRENT_POLICY, "listener-http-redirected": None}
    of_acm = certificate == "acm-certificate"
    world.truth.resource("elbv2-listener", arn, {**outcomes, "listener-acm-certificate": of_acm, "listener-encrypted": None})


def build_balancers(world: Builder) -> None:
    """The deployment's load balancer."""
    text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    made = world.client("iam").upload_server_certificate(
        ServerCertificateName="openemr", CertificateBody=text, PrivateKey=text.replace("CERTIFICATE", "PRIVATE KEY")
    )
    world.made["certificate"] = made["ServerCertificateMetadata"]["Arn"]
    world.made["targets"] = add_target_group(world, "openemr")
    balancer = add_load_balancer(world, "openemr", good=True)
    add_http_listener(world, balancer, redirects=True, targets=world.made["targets"])
    add_https_listener(world, balancer, policy=CURRENT_POLICY, targets=world.made["targets"])


def build_faulty_balancers(world: Builder) -> None:
    """A load balancer that breaks each rule."""
    balancer = add_load_balancer(world, "openemr-legacy", good=False)
    add_http_listener(world, balancer, redirects=False, targets=world.made["targets"])
    add_https_listener(world, balancer, policy=OLD_POLICY, targets=world.made["targets"])
    portal = add_load_balancer(world, "openemr-portal", good=True, web_acl=world.made["web-acl"])
    add_https_listener(world, portal, policy=CURRENT_POLICY, targets=world.made["targets"], certificate="acm-certificate")
    add_network_load_balancer(world, "openemr-interfaces", good=True)
    add_network_load_balancer(world, "openemr-interfaces-old", good=False)
