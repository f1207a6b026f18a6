"""The only `import amqtt`: a small MQTT broker inside the demo, on the loopback only.

It asks nobody for a name, so it must never listen anywhere else; plants run mosquitto.
We accept the connections ourselves and hand them over, because the broker does not tell
which free port it has chosen.
"""

import asyncio
import logging
import os
import signal
from asyncio import StreamReader, StreamWriter
from pathlib import Path
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker

from greenhearth.ready_file import write_ready

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
LISTENER = "default"
CONFIG: dict[str, Any] = {
    "listeners": {LISTENER: {"type": "external", "bind": LOOPBACK}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


def run_broker(port: int, ready_file: Path | None) -> None:
    """Serve MQTT 3.1.1 on the loopback until SIGINT or SIGTERM; port 0 takes a free one."""
    logging.getLogger("transitions").setLevel(logging.WARNING)
    logging.getLogger("amqtt").setLevel(logging.ERROR)  # it warns of every repeated acknowledgement
    asyncio.run(_serve(port, ready_file))


async def _serve(port: int, ready_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    broker = Broker(CONFIG)
    await broker.start()

    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        await broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), LISTENER)

    server = await asyncio.start_server(accept, LOOPBACK, port)
    host, chosen = server.sockets[0].getsockname()[:2]
    log.info("broker listens on %s:%d", host, chosen)
    if ready_file is not None:
        write_ready(ready_file, {"pid": os.getpid(), "host": host, "port": chosen})
    await stop.wait()
    server.close()
    await broker.shutdown()
