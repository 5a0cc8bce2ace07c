"""The AWS CLI as a co-process: a call per line in, what the CLI printed per line out.

One process for all calls, because the CLI takes a second to start.
"""

import contextlib
import io
import json
import pathlib
import socket
import sys

import awscli.clidriver
from awscli.utils import json_encoder
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

# Commands that are not named like the service's model.
COMMANDS = {"s3": "s3api", "config": "configservice"}

# What the CLI says where it has a command of its own, or none, in place of the model's (emr).
NOT_LIKE_THE_MODEL = ["Unknown options: --cli-input-json", "Invalid choice", "the following arguments are required"]

find_address = socket.getaddrinfo


def with_account_in_front(host, *arguments, **options):
    """s3control's calls go to <account>.<host>, whatever the host is; no resolver knows that one."""
    if isinstance(host, str) and host.endswith(".127.0.0.1"):
        host = "127.0.0.1"
    return find_address(host, *arguments, **options)


def without_customization(driver, call, complained):
    """Prints what the CLI would if it had the model's command in this place: botocore's answer in the CLI's format."""
    complained.seek(0)
    complained.truncate()
    client = driver.session.create_client(call["service"], region_name=call["region"], endpoint_url=call["endpoint"])
    name = xform_name(call["operation"])
    try:
        if client.can_paginate(name):
            answer = client.get_paginator(name).paginate(**call["parameters"]).build_full_result()
        else:
            answer = getattr(client, name)(**call["parameters"])
    except (BotoCoreError, ClientError, KeyError) as problem:  # KeyError: the CLI's models are older than ours
        print(problem, file=sys.stderr)
        return 254
    answer.pop("ResponseMetadata", None)
    if answer:
        print(json.dumps(answer, indent=4, default=json_encoder, ensure_ascii=False))
    return 0


def main():
    socket.getaddrinfo = with_account_in_front
    driver = awscli.clidriver.create_clidriver()
    # The CLI carries a botocore of its own, which may be older than the one that our models come from: members that
    # it did not know yet would be missing in what it prints.
    # (Its own is what `import botocore` gives once awscli was imported.)
    models = pathlib.Path(awscli.__file__).parent.parent / "botocore/data"
    driver.session.get_component("data_loader").search_paths.insert(0, str(models))
    for line in sys.stdin:
        call = json.loads(line)
        command = COMMANDS.get(call["service"], call["service"])
        arguments = [command, xform_name(call["operation"], "-"), "--output", "json", "--region", call["region"]]
        arguments += ["--endpoint-url", call["endpoint"], "--cli-input-json", json.dumps(call["parameters"])]
        printed, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            try:
                status = driver.main(arguments)
            except SystemExit as ended:  # arguments that the CLI does not take
                status = ended.code
            if any(sign in complained.getvalue() for sign in NOT_LIKE_THE_MODEL):
                status = without_customization(driver, call, complained)
        answer = {"status": status, "printed": printed.getvalue(), "complained": complained.getvalue()}
        print(json.dumps(answer), flush=True)


main()
