"""Holds exports against the models of those who read them, and against each other.

    validate.py oscal FILE [SCHEMA]   compliance-trestle's model of OSCAL assessment results, and references within the document;
                                      SCHEMA: NIST's oscal_assessment-results_schema.json, for a check by hand
    validate.py ocsf FILE             py-ocsf-models' ComplianceFinding, each line
    validate.py csv FILE              prints the rows as JSON
"""

import csv
import json
import re
import sys
from pathlib import Path


def oscal(path, schema=None):
    from trestle.oscal.assessment_results import Model

    text = Path(path).read_text(encoding="utf-8")
    Model.model_validate_json(text)
    document = json.loads(text)
    if schema:
        import jsonschema
        import regex

        # The schema's patterns name classes of Unicode, which Python's own `re` does not know.
        jsonschema._keywords.re = regex
        errors = jsonschema.Draft7Validator(json.loads(Path(schema).read_text(encoding="utf-8"))).iter_errors(document)
        problems = [f"{error.json_path}: {error.message[:300]}" for error in errors]
        assert not problems, "\n".join(problems[:20])
    check_references(document["assessment-results"])


def check_references(document):
    """Every identifier is used once, and every reference leads to something."""
    defined, objectives, controls = set(), set(), set()
    for definition in document["local-definitions"]["objectives-and-methods"]:
        controls.add(definition["control-id"])
        for part in definition["parts"]:
            assert part["id"] not in objectives, part["id"]
            objectives.add(part["id"])
    inventory = set()
    for result in document["results"]:
        # The same resource, program and accounts are defined in each result that speaks of them.
        local = result["local-definitions"]
        here = {item["uuid"] for item in local.get("inventory-items", []) + local["components"]}
        assets = local["assessment-assets"]
        here |= {item["uuid"] for item in assets["components"] + assets["assessment-platforms"]}
        inventory |= here
        own = [result["uuid"]]
        for kind in ("observations", "risks", "findings"):
            own += [item["uuid"] for item in result.get(kind, [])]
        for risk in result.get("risks", []):
            for kind in ("remediations", "mitigating-factors"):
                own += [item["uuid"] for item in risk.get(kind, [])]
        assert len(own) == len(set(own)) and not defined & set(own), "an identifier is used twice"
        defined |= set(own)
        for found in references(result, ("observation-uuid", "risk-uuid")):
            assert found in set(own), found
        for found in references(result, ("subject-uuid", "component-uuid", "actor-uuid")):
            assert found in here, found
        for found in references(result, ("target-id", "objective-id")):
            assert found in objectives, found
        for found in references(result, ("control-id",)):
            assert found in controls, found
    resources = [item["uuid"] for item in document["back-matter"]["resources"]]
    assert len(resources) == len(set(resources)) and not defined & set(resources)
    for found in references(document, ("href",)):
        if found.startswith("#"):
            assert found[1:] in resources, found
        else:
            assert re.fullmatch(r"bundle/data/[A-Za-z0-9/._%-]+#line=\d+,\d+", found), found


def references(value, names):
    if isinstance(value, dict):
        for name, member in value.items():
            if name in names:
                yield member
            else:
                yield from references(member, names)
    elif isinstance(value, list):
        for item in value:
            yield from references(item, names)


def ocsf(path):
    from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

    captions = {1: "Pass", 2: "Warning", 3: "Fail", 99: "Not Applicable"}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            ComplianceFinding.model_validate(event)
            assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"] == 200301
            assert event["category_uid"] == 2
            compliance = event["compliance"]
            assert compliance["status"] == captions[compliance["status_id"]]
            assert compliance["standards"] and compliance["requirements"] and event["evidences"]
            assert event["metadata"]["version"] == "1.8.0" and "cloud" in event["metadata"]["profiles"]


def rows(path):
    raw = Path(path).read_bytes()
    assert raw.endswith(b"\r\n") and raw.count(b"\n") == raw.count(b"\r\n")
    with open(path, encoding="utf-8", newline="") as file:
        print(json.dumps(list(csv.DictReader(file, strict=True))))


if __name__ == "__main__":
    {"oscal": oscal, "ocsf": ocsf, "csv": rows}[sys.argv[1]](*sys.argv[2:])
