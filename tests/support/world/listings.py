"""Lists that moto lacks of what it has: addresses of functions, and resources with a web ACL."""

import json
import urllib.parse
from typing import Any

from .answers import Answer, error, output
from .calls import Call


def before_moto(call: Call) -> Answer | None:
    """Answers what moto cannot list."""
    match call.service, call.operation:
        case "lambda", "ListFunctionUrlConfigs":
            return _function_urls(call)
        case "wafv2", "ListResourcesForWebACL":
            return _resources_of_web_acl(call)
    return None


def _function_urls(call: Call) -> Answer:
    from moto.awslambda.models import lambda_backends

    name = urllib.parse.unquote(call.path).split("/functions/")[1].split("/")[0]
    functions = lambda_backends[call.account][call.region]
    try:
        found = functions.get_function(name).url_config
    except Exception:  # moto's own: AWS names it so
        return error(call, "ResourceNotFoundException", f"Function not found: {name}", 404)
    configurations: list[dict[str, Any]] = [found.to_dict()] if found else []
    return output(call, {"FunctionUrlConfigs": configurations})


#: The service that stands in the ARNs of each kind.
SERVICES = {"APPLICATION_LOAD_BALANCER": "elasticloadbalancing", "API_GATEWAY": "apigateway", "APPSYNC": "appsync"}


def _resources_of_web_acl(call: Call) -> Answer:
    from moto.wafv2.models import wafv2_backends

    asked = json.loads(call.body)
    acl = wafv2_backends[call.account][call.region].wacls.get(asked["WebACLArn"])
    if acl is None:
        return error(call, "WAFNonexistentItemException", "There is no such web ACL.")
    wanted = SERVICES.get(asked.get("ResourceType", "APPLICATION_LOAD_BALANCER"))
    return output(call, {"ResourceArns": [arn for arn in acl.associated_resources if arn.split(":")[2] == wanted]})
