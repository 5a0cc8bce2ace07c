"""More of the same: clinics beside the deployment, each some 65 resources in a VPC of its own, with violations by lot.

The lots are drawn from the clinic's number: a world of a scale is always the same, and a larger one begins with a smaller one.
"""

import random
from collections.abc import Callable

from . import audit, balancers, buckets, database, identity, keys, network
from .builder import Builder, allow, document

#: Draws a lot: whether a rule is kept.
Lots = Callable[[], bool]


def build_clinic(world: Builder, number: int) -> None:
    """One clinic; from number 2 on, as the first is the deployment itself."""
    name = f"clinic-{number:03}"
    lots = random.Random(f"{name} of the test world")

    def holds() -> bool:
        """Most rules are kept."""
        return lots.random() < 0.8

    _keys_and_watching(world, name, holds)
    _buckets(world, name, holds)
    _people(world, name, holds)
    vpc = _network(world, name, number, holds)
    _databases(world, name, holds)
    balancer = balancers.add_load_balancer(world, name, good=holds())
    balancers.add_http_listener(world, balancer, redirects=holds(), targets=world.made["targets"])
    policy = balancers.CURRENT_POLICY if holds() else balancers.OLD_POLICY
    balancers.add_https_listener(world, balancer, policy=policy, targets=world.made["targets"])
    network.add_endpoint(world, vpc, "s3", restricted=holds())


def _keys_and_watching(world: Builder, name: str, holds: Lots) -> None:
    keys.add_key(world, name, rotation=holds())
    keys.add_key(world, f"{name}-archive", rotation=holds(), public=not holds())
    for part in ("api", "web", "jobs", "imports", "exports", "audit"):
        audit.add_log_group(world, f"/{name}/{part}", key=name if holds() else None, days=400 if holds() else 30)
    for part in ("alarms", "billing", "results"):
        audit.add_topic(world, f"{name}-{part}", key=name if holds() else None, tls_only=holds())
    for part in ("database", "mail", "laboratory", "pharmacy"):
        audit.add_secret(world, f"{name}/{part}", key=name if holds() else None, rotates=holds())


def _buckets(world: Builder, name: str, holds: Lots) -> None:
    for part in ("records", "images", "letters", "invoices", "backups", "exports", "training", "website"):
        buckets.add_bucket(
            world,
            f"openemr-{name}-{part}",
            key=name if holds() else None,
            logs_to="openemr-access-logs" if holds() else None,
            tls_only=holds(),
            denies_unencrypted="not-kms" if holds() else None,
            versioning=holds(),
            blocks=buckets.BLOCKS if holds() else (),
            lifecycle=holds(),
        )


def _people(world: Builder, name: str, holds: Lots) -> None:
    identity.add_group(world, name)
    for part in ("doctor", "nurse", "desk", "manager"):
        identity.add_user(world, f"{name}-{part}", group=name, password_used_days=5 if holds() else 200, mfa=holds())
    identity.add_user(world, f"{name}-robot", key_days=(30, 2) if holds() else (300, 2))
    for part in ("read", "write", "share", "erase"):
        statement = allow(["s3:GetObject"], f"arn:aws:s3:::openemr-{name}-records/*") if holds() else allow("*", "*")
        text, admin = document(statement), statement["Action"] == "*"
        policy = identity.add_policy(world, f"{name}-{part}", text, admin=admin)
        inline = None if holds() else document(allow("s3:ListAllMyBuckets", "*"))
        identity.add_role(world, f"{name}-{part}", "ecs-tasks.amazonaws.com", attached=[policy], inline=inline)
    identity.add_role(world, f"{name}-flow-logs", "vpc-flow-logs.amazonaws.com")


def _network(world: Builder, name: str, number: int, holds: Lots) -> str:
    cidr = f"10.{100 + number % 150}"
    vpc = network.add_vpc(world, name, f"{cidr}.0.0/16", flow_logs="ALL" if holds() else None, hardened=holds(), s3_endpoint=True, two_zones=True)
    subnets = [
        network.add_subnet(world, vpc, f"{name}-{index}", f"{cidr}.{index}.0/24", "ab"[index % 2], public_ips=not holds())
        for index in range(6)
    ]
    network.add_routes(world, vpc, f"{name}-upper", subnets[:3], None)
    network.add_routes(world, vpc, f"{name}-lower", subnets[3:], None)
    inside = network.permission("tcp", 443, 443, f"{cidr}.0.0/16")
    for part in ("web", "api", "jobs", "database", "bastion", "office"):
        opened = not holds()
        ingress = [network.permission("tcp", 22, 22, network.ANYWHERE)] if opened else [inside]
        network.add_group(world, vpc, f"{name}-{part}", ingress, admin_ports_open=opened, egress=[inside])
    for part in ("upper", "lower"):
        opened = not holds()
        entry = network.acl_entry("allow", 3389 if opened else 443, 3389 if opened else 443, network.ANYWHERE)
        network.add_acl(world, vpc, f"{name}-{part}", [entry], admin_ports_open=opened)
    return vpc


def _databases(world: Builder, name: str, holds: Lots) -> None:
    good, encrypted = holds(), holds()
    database.add_instance(world, name, good=good, key=name if encrypted else None, retention=14 if holds() else 1)
    for part in ("monday", "friday"):
        database.add_snapshot(world, name, f"{name}-{part}", shared_with=None if holds() else "all", encrypted=encrypted)

