"""Endpoints as botocore's own evaluator resolves them: one JSON line per case.

The services and operations are those of the models; the regions are some of every partition, an unknown one of a
known pattern, and some that no partition has.
"""

import json
import pathlib
import sys

from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader
from botocore.regions import EndpointResolver  # noqa: F401  (fails early where botocore is not the pinned one)

REGIONS = [
    "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-3", "il-central-1", "us-gov-west-1", "us-gov-east-1",
    "cn-north-1", "cn-northwest-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1", "aws-global",
    "us-newplace-7", "nowhere", "us-east-1.evil.example", "",
]
BUCKETS = ["my-bucket", "my.dotted.bucket", "UPPER_case", "192.168.1.1"]


def parameters_of(service, operation):
    contexts = {
        reference["contextParam"]["name"]: member
        for member, reference in operation["members"].items()
        if "contextParam" in reference
    }
    if "Bucket" in contexts:
        return [{contexts["Bucket"]: bucket} for bucket in BUCKETS]
    if "AccountId" in contexts:
        return [{contexts["AccountId"]: "123456789012"}]
    return [{}]


def main(models):
    loader = Loader()
    partitions = loader.load_data("partitions")
    for path in sorted(pathlib.Path(models).glob("*.json")):
        service = path.stem
        model = json.loads(path.read_text())
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(ruleset_data=rules, partition_data=partitions)
        metadata = model["metadata"]
        for name, operation in model["operations"].items():
            shape = operation.get("input", {}).get("shape")
            members = model["shapes"][shape].get("members", {}) if shape else {}
            constants = {key: value["value"] for key, value in operation.get("staticContextParams", {}).items()}
            if name not in ("GetBucketLocation", "GetBucketPolicy", "ListBuckets") and service == "s3":
                continue  # the others have the same parameters as GetBucketPolicy
            for region in REGIONS:
                for fips, dual_stack in ((False, False), (True, False), (False, True)):
                    for parameters in parameters_of(service, {"members": members}):
                        given = dict(constants)
                        for member, reference in members.items():
                            if "contextParam" in reference and member in parameters:
                                given[reference["contextParam"]["name"]] = parameters[member]
                        for parameter, description in rules["parameters"].items():
                            built_in = {
                                "AWS::Region": region,
                                "AWS::UseFIPS": fips,
                                "AWS::UseDualStack": dual_stack,
                                "AWS::S3::ForcePathStyle": name == "GetBucketLocation",
                            }.get(description.get("builtIn"))
                            if built_in is not None:
                                given[parameter] = built_in
                        case = {"service": service, "operation": name, "region": region, "fips": fips}
                        case |= {"dual_stack": dual_stack, "parameters": parameters}
                        try:
                            endpoint = provider.resolve_endpoint(**given)
                        except EndpointProviderError as problem:
                            case["error"] = str(problem)
                        else:
                            schemes = endpoint.properties.get("authSchemes", [])
                            scheme = next((s for s in schemes if s["name"] == "sigv4"), {})
                            case["url"] = endpoint.url
                            case["signing_region"] = scheme.get("signingRegion", region)
                            default = metadata.get("signingName", metadata["endpointPrefix"])
                            case["signing_name"] = scheme.get("signingName", default)
                        print(json.dumps(case))


main(sys.argv[1])
