"""Sends recorded requests to a server over connections that stay open, and throws the answers away.

    bare_client.py ENDPOINT QUESTIONS.json CONCURRENCY

The least that any client has to do for these answers; requests wait for nothing but a free connection.
"""

import json
import queue
import socket
import sys
import threading
import urllib.parse


AGENT = "aws-sdk-rust/1.7.0 ua/2.1 api/proofpack/0.1.0 os/linux lang/rust/1.95.0 m/g md/http#hyper-1.x"


def request_of(host, question):
    """The bytes of one request, with the headers that proofpack's have: the server takes its time for each.

    The test server looks at the signature's scope and not at the signature.
    """
    scope = f"testing/20260101/{question['region']}/{question['signing_name']}/aws4_request"
    body = question["body"].encode()
    path = question["path"] + (f"?{question['query']}" if question["query"] else "")
    lines = [f"{question['method']} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"User-Agent: {AGENT}", f"X-Amz-User-Agent: {AGENT}", "X-Amz-Date: 20260101T000000Z"]
    signed = "content-length;content-type;host;x-amz-date;x-amz-user-agent"
    lines.append(f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature={'0' * 64}")
    for header, name in (("Content-Type", "content_type"), ("X-Amz-Target", "target")):
        if question[name]:
            lines.append(f"{header}: {question[name]}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_answer(connection, had):
    """Reads one answer; gives what came after it."""
    while b"\r\n\r\n" not in had:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        had += more
    head, _, body = had.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    left = int(lengths[0]) - len(body)
    while left > 0:
        left -= len(connection.recv(min(left, 65536)))
    return body[int(lengths[0]) :]


def work(address, waiting, failures):
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = b""
    while True:
        try:
            request = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            connection.sendall(request)
            rest = read_answer(connection, rest)
        except OSError as problem:
            failures.append(problem)
            return


def main():
    endpoint, file, concurrency = sys.argv[1:]
    url = urllib.parse.urlsplit(endpoint)
    with open(file, encoding="utf-8") as questions:
        asked = json.load(questions)
    waiting, failures = queue.SimpleQueue(), []
    for question in asked:
        for _ in question["statuses"]:
            waiting.put(request_of(url.netloc, question))
    workers = [threading.Thread(target=work, args=((url.hostname, url.port), waiting, failures)) for _ in range(int(concurrency))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        sys.exit(f"{len(failures)} connections failed: {failures[0]}")


main()
