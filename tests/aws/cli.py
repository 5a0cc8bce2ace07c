"""The AWS CLI as a co-process: a call per line in, what the CLI printed per line out.

One process for all calls, because the CLI takes a second to start.
"""

import contextlib
import io
import json
import socket
import sys

import awscli.clidriver
from botocore import xform_name

# Commands that are not named like the service's model.
COMMANDS = {"s3": "s3api", "config": "configservice"}


find_address = socket.getaddrinfo


def with_account_in_front(host, *arguments, **options):
    """s3control's calls go to <account>.<host>, whatever the host is; no resolver knows that one."""
    if isinstance(host, str) and host.endswith(".127.0.0.1"):
        host = "127.0.0.1"
    return find_address(host, *arguments, **options)


def main():
    socket.getaddrinfo = with_account_in_front
    driver = awscli.clidriver.create_clidriver()
    for line in sys.stdin:
        call = json.loads(line)
        command = COMMANDS.get(call["service"], call["service"])
        arguments = [command, xform_name(call["operation"], "-"), "--output", "json", "--region", call["region"]]
        arguments += ["--endpoint-url", call["endpoint"], "--cli-input-json", json.dumps(call["parameters"])]
        printed, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            status = driver.main(arguments)
        answer = {"status": status, "printed": printed.getvalue(), "complained": complained.getvalue()}
        print(json.dumps(answer), flush=True)


main()
