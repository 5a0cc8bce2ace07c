"""The ground truth: what each check must find for each resource, said by the code that made the resource."""

import json
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PASS, FAIL, UNKNOWN = "pass", "fail", "indeterminate"

CATALOG = Path(__file__).parents[3] / "src" / "catalog" / "checks"


@cache
def _checks_by_kind() -> dict[str, frozenset[str]]:
    # Read when a world is built: the server imports this module too, and needs none of it.
    found: dict[str, set[str]] = {}
    for path in sorted(CATALOG.glob("*.toml")):
        check = tomllib.loads(path.read_text(encoding="utf-8"))
        found.setdefault(check["resource"], set()).add(check["id"])
    return {kind: frozenset(ids) for kind, ids in found.items()}


def checks_of(kind: str) -> frozenset[str]:
    """The checks that judge a kind of resource. Only their names are read from the catalog: what each must find is said by the
    code that makes the resource."""
    return _checks_by_kind().get(kind, frozenset())


@dataclass
class Truth:
    """What holds in a world."""

    account: str
    regions: list[str]
    findings: dict[str, dict[str, str]] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    excerpts: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    #: Which checks were named for each resource, those that do not apply included.
    named: dict[str, set[str]] = field(default_factory=dict)

    def resource(self, kind: str, arn: str, outcomes: dict[str, bool | str | None]) -> None:
        """Declares a resource with outcomes of checks of its kind: True passes, False fails, None does not apply.

        What it does not name, `more` must: in the end every check of the kind has its outcome.
        """
        if arn in self.resources:
            raise ValueError(f"{arn} is declared twice")
        self.resources[arn] = kind
        self.named[arn] = set()
        self.more(arn, outcomes)

    def more(self, arn: str, outcomes: dict[str, bool | str | None]) -> None:
        """Declares outcomes of further checks for a resource that is declared."""
        kind = self.resources[arn]
        if unknown := set(outcomes) - checks_of(kind):
            raise ValueError(f"{arn}: these are no checks of {kind}: {sorted(unknown)}")
        if twice := set(outcomes) & self.named[arn]:
            raise ValueError(f"{arn}: the outcomes of {sorted(twice)} are declared twice")
        self.named[arn] |= set(outcomes)
        for check, outcome in outcomes.items():
            if outcome is not None:
                text = outcome if isinstance(outcome, str) else (PASS if outcome else FAIL)
                self.findings.setdefault(check, {})[arn] = text

    def again(self, arn: str, outcomes: dict[str, bool | str | None]) -> None:
        """Declares outcomes for a resource that is listed under a second kind, by the ARN that it has under its own."""
        for check, outcome in outcomes.items():
            if outcome is not None:
                self.findings.setdefault(check, {})[arn] = PASS if outcome else FAIL

    def unknown(self, arn: str, *checks: str) -> None:
        """Declares that checks cannot be decided, because a fault keeps their evidence away."""
        for check in checks:
            self.findings[check][arn] = UNKNOWN

    def require_complete(self) -> None:
        """Raises where a resource lacks the outcome of a check of its kind."""
        lacking = [
            f"{arn}: {', '.join(sorted(missing))}"
            for arn, kind in self.resources.items()
            if (missing := checks_of(kind) - self.named[arn])
        ]
        if lacking:
            raise ValueError("no outcome is declared for\n" + "\n".join(lacking))

    def write(self, path: Path) -> None:
        """Writes `ground-truth.json`."""
        self.require_complete()
        kinds: dict[str, list[str]] = {}
        for arn, kind in self.resources.items():
            kinds.setdefault(kind, []).append(arn)
        content = {
            "account": self.account,
            "regions": self.regions,
            "resources": {kind: sorted(arns) for kind, arns in sorted(kinds.items())},
            "findings": {check: dict(sorted(found.items())) for check, found in sorted(self.findings.items())},
            "excerpts": self.excerpts,
            **self.facts,
        }
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
