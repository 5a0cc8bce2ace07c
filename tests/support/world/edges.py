"""Where requests come in: certificates, web ACLs, distributions, hosted zones, classic load balancers, firewalls."""

import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import audit, clock
from .builder import ACCOUNT, HOME, Builder

METRICS = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "requests"}


def build_edges(world: Builder) -> None:
    """One of each that keeps every rule, and one that breaks them."""
    world.made["acm-certificate"] = add_certificate(world, "records.example.org", days=365, strong=True)
    add_certificate(world, "old.example.org", days=10, strong=False)
    _web_acls(world)
    add_distribution(world, "portal", good=True)
    add_distribution(world, "legacy", good=False)
    _zones(world)
    add_classic_load_balancer(world, "openemr-classic", good=True)
    add_classic_load_balancer(world, "openemr-classic-old", good=False)


def add_certificate(world: Builder, domain: str, *, days: int, strong: bool) -> str:
    """An imported certificate that is good for so many days from now."""
    key: Any = ec.generate_private_key(ec.SECP256R1()) if strong else rsa.generate_private_key(public_exponent=65537, key_size=1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, domain)])
    now = clock.utcnow().replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1000 + days)
        # Long ago: the server's clock may stand still at some earlier moment.
        .not_valid_before(now - datetime.timedelta(days=3650))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = world.client("acm").import_certificate(
        Certificate=certificate.public_bytes(serialization.Encoding.PEM),
        PrivateKey=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        Tags=world.tags(domain),
    )
    arn: str = made["CertificateArn"]
    world.truth.resource(
        "acm-certificate",
        arn,
        {
            "acm-certificate-not-expiring": days > 30,
            "acm-certificate-strong-key": strong,
            # ACM did not issue it.
            "acm-certificate-transparency": None,
        },
    )
    return arn


def _web_acls(world: Builder) -> None:
    """One that logs into an encrypted group, one into a plain one, and one without rules that does not log."""
    group = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:aws-waf-logs-openemr"
    plain = audit.add_log_group(world, "aws-waf-logs-openemr-plain", key=None, days=400)
    world.made["web-acl"] = add_web_acl(world, "openemr", logs_to=group, encrypted=True)
    add_web_acl(world, "openemr-staging", logs_to=plain, encrypted=False)
    add_web_acl(world, "openemr-empty", logs_to=None, encrypted=None, rules=False)


def add_web_acl(world: Builder, name: str, *, logs_to: str | None, encrypted: bool | None, rules: bool = True) -> str:
    """A web ACL; `encrypted` says what the log group is."""
    waf = world.client("wafv2")
    managed = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}
    rule = {"Name": "common", "Priority": 0, "Statement": managed, "OverrideAction": {"None": {}}, "VisibilityConfig": METRICS}
    arn: str = waf.create_web_acl(
        Name=name,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        Rules=[rule] if rules else [],
        VisibilityConfig=METRICS,
        Tags=world.tags(name),
    )["Summary"]["ARN"]
    if logs_to:
        waf.put_logging_configuration(LoggingConfiguration={"ResourceArn": arn, "LogDestinationConfigs": [logs_to]})
    outcomes = {"waf-logging": logs_to is not None, "waf-log-group-encrypted": encrypted, "waf-has-rules": rules}
    world.truth.resource("wafv2-web-acl", arn, outcomes)
    return arn


def add_distribution(world: Builder, name: str, *, good: bool) -> None:
    """A distribution with a bucket and a server behind it that keeps every rule, or none."""
    cloudfront = world.client("cloudfront")
    origins: list[dict[str, Any]] = [
        {
            "Id": "bucket",
            "DomainName": "openemr-static.s3.amazonaws.com",
            "S3OriginConfig": {"OriginAccessIdentity": ""},
            "OriginAccessControlId": "E327GJI25M56DG" if good else "",
        },
        {
            "Id": "server",
            "DomainName": "origin.example.org",
            "CustomOriginConfig": {
                "HTTPPort": 80,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "https-only" if good else "match-viewer",
                "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2" if good else "TLSv1"]},
            },
        },
    ]
    own = {
        "CloudFrontDefaultCertificate": False,
        "ACMCertificateArn": world.made["acm-certificate"],
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    made = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": name,
            "Comment": name,
            "Enabled": True,
            "DefaultRootObject": "index.html" if good else "",
            "Origins": {"Quantity": len(origins), "Items": origins},
            "DefaultCacheBehavior": {
                "TargetOriginId": "bucket",
                "ViewerProtocolPolicy": "redirect-to-https" if good else "allow-all",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
            "ViewerCertificate": own if good else {"CloudFrontDefaultCertificate": True},
            "WebACLId": world.made["web-acl"].replace("regional", "global") if good else "",
            "Logging": {"Enabled": good, "IncludeCookies": False, "Bucket": "openemr-access-logs.s3.amazonaws.com", "Prefix": ""},
        }
    )
    world.truth.resource(
        "cloudfront-distribution",
        made["Distribution"]["ARN"],
        {
            "cloudfront-https": good,
            "cloudfront-tls-policy": good,
            "cloudfront-waf": good,
            "cloudfront-logging": good,
            "cloudfront-origin-encrypted": good,
            # The server forgets it.
            "cloudfront-bucket-origin-access-control": False,
            "cloudfront-default-root-object": good,
        },
    )


def _zones(world: Builder) -> None:
    """The server signs no zone."""
    dns = world.client("route53")
    audit.add_log_group(world, "/aws/route53/example.org", key=None, days=400)
    group = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:/aws/route53/example.org:*"
    for name, logged in [("example.org", True), ("example.net", False)]:
        zone = dns.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"].rpartition("/")[2]
        if logged:
            dns.create_query_logging_config(HostedZoneId=zone, CloudWatchLogsLogGroupArn=group)
        outcomes = {"route53-query-logging": logged, "route53-dnssec": False}
        world.truth.resource("route53-hosted-zone", f"arn:aws:route53:::hostedzone/{zone}", outcomes)
    private = dns.create_hosted_zone(
        Name="openemr.internal",
        CallerReference="internal",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": HOME, "VPCId": world.made["openemr"]},
    )["HostedZone"]["Id"].rpartition("/")[2]
    outside = {"route53-query-logging": None, "route53-dnssec": None}
    world.truth.resource("route53-hosted-zone", f"arn:aws:route53:::hostedzone/{private}", outside)


def add_classic_load_balancer(world: Builder, name: str, *, good: bool) -> None:
    """A classic load balancer that keeps every rule, or none: with a second listener for plain HTTP then."""
    elb = world.client("elb")
    certificate = world.made["acm-certificate" if good else "certificate"]
    secure = {"Protocol": "HTTPS", "LoadBalancerPort": 443, "InstanceProtocol": "HTTPS", "InstancePort": 443}
    plain = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 80}
    elb.create_load_balancer(
        LoadBalancerName=name,
        Listeners=[{**secure, "SSLCertificateId": certificate}, *([] if good else [plain])],
        Subnets=[world.made["openemr-public-a"]],
        SecurityGroups=[world.made["openemr-alb"]],
        Tags=world.tags(name),
    )
    reference = "ELBSecurityPolicy-TLS-1-2-2017-01" if good else "ELBSecurityPolicy-2016-08"
    elb.create_load_balancer_policy(
        LoadBalancerName=name,
        PolicyName="tls",
        PolicyTypeName="SSLNegotiationPolicyType",
        PolicyAttributes=[{"AttributeName": "Reference-Security-Policy", "AttributeValue": reference}],
    )
    elb.set_load_balancer_policies_of_listener(LoadBalancerName=name, LoadBalancerPort=443, PolicyNames=["tls"])
    elb.modify_load_balancer_attributes(
        LoadBalancerName=name,
        LoadBalancerAttributes={
            "AccessLog": {"Enabled": good, **({"S3BucketName": "openemr-elb-logs"} if good else {})},
            "CrossZoneLoadBalancing": {"Enabled": good},
            "ConnectionDraining": {"Enabled": good},
        },
    )
    world.truth.resource(
        "elb-load-balancer",
        f"arn:aws:elasticloadbalancing:{HOME}:{ACCOUNT}:loadbalancer/{name}",
        {
            "classic-load-balancer-acm-certificate": good,
            "classic-load-balancer-tls-only": good,
            "classic-load-balancer-tls-policy": good,
            "classic-load-balancer-access-logs": good,
            "classic-load-balancer-cross-zone": good,
            "classic-load-balancer-connection-draining": good,
        },
    )
