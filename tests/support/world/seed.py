"""Builds a world on the test server, and writes down what holds in it.

    python -m world.seed --endpoint http://127.0.0.1:PORT --truth ground-truth.json [--world full|demo|bare] [--scale N] [--verify]

`--verify` reads the facts back through the API before anything else is judged by them.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from . import (
    alarms,
    analytics,
    audit,
    balancers,
    buckets,
    caches,
    compute,
    containers,
    database,
    edges,
    events,
    functions,
    gateways,
    identity,
    inventory,
    keys,
    messages,
    network,
    observed,
    organization,
    scale,
    stores,
    streams,
    vaults,
    verify,
)
from .builder import ACCOUNT, HOME, SECOND, Builder, control
from .truth import Truth

SEED = 7


def full(world: Builder) -> None:
    """Both deployments, with violations of every rule, in two regions."""
    audit.analyze_access(world, findings=True)
    observed.build_observed(world)
    demo_base(world)
    keys.build_faulty_keys(world)
    buckets.build_faulty_buckets(world)
    buckets.build_self_logging_bucket(world)
    buckets.build_healthlake_buckets(world)
    identity.build_faulty_people(world)
    audit.build_faulty_watching(world)
    alarms.build_faulty_alarms(world)
    messages.build_faulty_messages(world)
    organization.build_organization(world)
    network.build_faulty_network(world)
    gateways.build_gateways(world)
    database.build_faulty_databases(world)
    edges.build_edges(world)
    stores.build_stores(world)
    caches.build_caches(world)
    analytics.build_analytics(world)
    streams.build_streams(world)
    vaults.build_faulty_vault(world)
    balancers.build_faulty_balancers(world)
    compute.build_compute(world)
    functions.build_functions(world)
    containers.build_containers(world)
    account = identity.set_account(world, root_mfa=True, root_key=True, password_length=14, blocks_public_access=True)
    _account(world, account)
    events.build_events(world)


def demo(world: Builder) -> None:
    """The first deployment alone, nearly as its owners claim it, with a few faults on purpose."""
    audit.analyze_access(world, findings=False)
    demo_base(world)
    keys.add_key(world, "backup", rotation=False)
    buckets.add_bucket(world, "openemr-legacy-uploads", tls_only=False, denies_unencrypted=None, versioning=False, lifecycle=False)
    audit.add_log_group(world, "/aws/lambda/openemr-export", key=None, days=None)
    identity.add_user(world, "carol.legacy", group="auditors", password_used_days=2, mfa=True, key_days=(400, 2))
    vpc = world.made["openemr"]
    bastion = [network.permission("tcp", 22, 22, network.ANYWHERE)]
    network.add_group(world, vpc, "openemr-bastion", bastion, admin_ports_open=True, egress=[])
    account = identity.set_account(world, root_mfa=True, root_key=False, password_length=14, blocks_public_access=True)
    _account(world, account)
    events.build_events(world, noise_days=20)


def bare(world: Builder) -> None:
    """An account as AWS hands it over, with root's access key made: what holds of the account itself in the others fails here."""
    network.keep_default_vpc(world, HOME)
    audit.set_region(world, HOME, watched=False)
    account = identity.set_account(world, root_mfa=False, root_key=True, password_length=None, blocks_public_access=False, kept=False)
    _account(world, account, trail=False)


def demo_base(world: Builder) -> None:
    """What both worlds share: the first deployment."""
    keys.build_keys(world)
    buckets.build_log_buckets(world)
    identity.build_roles(world)
    identity.build_people(world)
    buckets.build_data_buckets(world)
    buckets.build_hostile_bucket(world)
    buckets.build_hidden_bucket(world)
    audit.build_logs(world)
    audit.build_watching(world)
    alarms.build_alarms(world)
    messages.build_messages(world)
    network.build_network(world)
    database.build_databases(world)
    vaults.build_vault(world)
    balancers.build_balancers(world)


def _account(world: Builder, settings: dict[str, bool | str | None], *, trail: bool = True) -> None:
    outcomes = {
        **settings,
        "cloudtrail-multi-region": trail,
        "cloudtrail-management-events": trail,
        "cloudtrail-s3-object-reads": trail,
        "cloudtrail-s3-object-writes": trail,
        **alarms.of_account(alarms=trail),
        **organization.of_account(world),
        # Where there is an analyzer, it looks for access from outside.
        "access-analyzer-unused-access": False,
    }
    world.truth.resource("aws-account", f"arn:aws:iam::{ACCOUNT}:root", outcomes)


WORLDS: dict[str, tuple[Callable[[Builder], None], list[str]]] = {
    "full": (full, [HOME, SECOND]),
    "demo": (demo, [HOME]),
    "bare": (bare, [HOME]),
}


def seed(endpoint: str, name: str, times: int = 1) -> Truth:
    """Empties the server and builds a world; `times` as large, each time with some 65 resources more."""
    build, regions = WORLDS[name]
    control(endpoint, "POST", "reset", {})
    control(endpoint, "POST", "seed", {"seed": SEED})
    world = Builder(endpoint, Truth(ACCOUNT, regions))
    build(world)
    for number in range(2, times + 1):
        scale.build_clinic(world, number)
    for region in regions:
        analytics.declare_region(world, region)
    vaults.declare_backups(world)
    inventory.take_inventory(world)
    control(endpoint, "DELETE", "journal")
    return world.truth


def main() -> int:
    """Builds, writes and, when asked, verifies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--world", choices=sorted(WORLDS), default="full")
    parser.add_argument("--scale", type=int, default=1, help="how large: 50 gives some 3,300 resources")
    parser.add_argument("--verify", action="store_true", help="read the facts back through the API")
    arguments = parser.parse_args()
    truth = seed(arguments.endpoint, arguments.world, arguments.scale)
    truth.write(arguments.truth)
    problems = verify.verify(arguments.endpoint, truth) if arguments.verify else []
    for problem in problems:
        print(problem, file=sys.stderr)
    count = sum(len(found) for found in truth.findings.values())
    print(f"{len(truth.resources)} resources, {count} outcomes of {len(truth.findings)} checks, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
