"""A server of line protocol that behaves by a script, as the worst of them do."""

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What happens to one request."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    keep: bool = True
    """Whether the lines are stored, whatever is answered."""
    cut_after: int | None = None
    """Bytes of the answer after which the connection is cut; 0: before the first."""
    hang: bool = False
    """Never answer, until the server ends."""
    read_slowly: bool = False
    """Never read the body either."""


TAKEN = Answer()


def refused(status: int, *headers: tuple[str, str], body: bytes = b"") -> Answer:
    """Return an answer that stores nothing."""
    return Answer(status, headers, body, keep=False)


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    at_s: float
    """Monotonic."""
    answer: Answer
    lines: tuple[bytes, ...]
    path: str


@dataclass
class FakeInflux:
    """Answers by its script, then by `judge`; keeps lines by place and time, as a real server does."""

    script: list[Answer] = field(default_factory=list)
    judge: Callable[[list[bytes]], Answer] = lambda _: TAKEN
    seen: list[Seen] = field(default_factory=list)
    stored: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)
    """(measurement and tags, time) -> fields."""
    writes: dict[bytes, int] = field(default_factory=dict)
    """How often each line was stored."""
    url: str = ""
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer_to(self, body: bytes, path: str) -> Answer:
        """Judge a request and keep what is to be kept."""
        lines = body.split(b"\n")
        with self._lock:
            answer = self.script.pop(0) if self.script else self.judge(lines)
            self.seen.append(Seen(time.monotonic(), answer, tuple(lines), path))
            if answer.keep:
                for line in lines:
                    self._keep(line)
        return answer

    def _keep(self, line: bytes) -> None:
        self.writes[line] = self.writes.get(line, 0) + 1
        place, fields = cut(line)
        head, _, t_ns = fields.rpartition(b" ")
        self.stored[place, t_ns] = head


def cut(line: bytes) -> tuple[bytes, bytes]:
    """Split a line at its first blank that is not escaped: place, and fields with the time."""
    at = 0
    while line[at : at + 1] != b" ":
        at += 2 if line[at : at + 1] == b"\\" else 1
    return line[:at], line[at + 1 :]


@contextmanager
def fake_influx() -> Iterator[FakeInflux]:
    """Run one until the end of the block."""
    fake = FakeInflux()
    with _Server(("127.0.0.1", 0), _handler(fake)) as server:
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield fake
        fake.ended.set()
        server.shutdown()
        thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """A client that has gone is none of a server's business."""


def _handler(fake: FakeInflux) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            if fake.script and fake.script[0].read_slowly:
                fake.answer_to(b"x y 0", self.path)
                fake.ended.wait()
                return
            answer = fake.answer_to(self.rfile.read(length), self.path)
            if answer.hang:
                fake.ended.wait()
                self.close_connection = True
                return
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            head = [f"HTTP/1.1 {answer.status} Scripted", f"Content-Length: {len(answer.body)}"]
            head += [f"{name}: {value}" for name, value in answer.headers]
            whole = "\r\n".join([*head, "", ""]).encode() + answer.body
            self.wfile.write(whole if answer.cut_after is None else whole[: answer.cut_after])
            self.close_connection = answer.cut_after is not None

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
