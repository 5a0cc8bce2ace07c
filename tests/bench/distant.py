"""Puts a server further away: everything that it answers arrives later.

    python tests/bench/distant.py --port-file FILE --server 127.0.0.1:PORT --milliseconds 100

The test server answers within a millisecond or two; S3 takes "roughly 100-200 milliseconds" for a small object
(docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html). What a program does while it waits shows only then.
"""

import argparse
import asyncio
from pathlib import Path


async def carry(source, sink, delay):
    """Copies what comes, each piece `delay` seconds after it came, in order."""
    loop = asyncio.get_running_loop()
    waiting = asyncio.Queue()

    async def deliver():
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                break
            sink.write(piece)
            await sink.drain()

    delivering = asyncio.create_task(deliver())
    try:
        while piece := await source.read(1 << 16):
            await waiting.put((loop.time() + delay, piece))
        await waiting.put((loop.time(), b""))
        await delivering
    except ConnectionError:
        delivering.cancel()
    finally:
        sink.close()


async def serve(server, delay, port_file):
    host, _, port = server.rpartition(":")

    async def connected(reader, writer):
        upstream = await asyncio.open_connection(host, int(port))
        await asyncio.gather(carry(reader, upstream[1], 0.0), carry(upstream[0], writer, delay), return_exceptions=True)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    port_file.write_text(str(listening.sockets[0].getsockname()[1]))
    await listening.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--milliseconds", type=float, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.server, arguments.milliseconds / 1000, arguments.port_file))


if __name__ == "__main__":
    main()
