"""A web server of the test's own: one file, and every way in which fetching it can go wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """What the server sends, how, and what it was asked: `ranges` holds the Range header of every request. `files` are contents
    of their own for names in the address; any other name is answered with `content`."""

    content: bytes = bytes(range(256)) * 4096
    ranged: bool = True
    cut_after: int = 0
    status: int = 200
    ranges: list[str] = field(default_factory=list)
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def serving(**how: Any) -> Iterator[Served]:
    """A running server on a free port of this machine; `cut_after` closes the connection after so many bytes."""
    served = Served(**how)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    served.url = f"http://127.0.0.1:{server.server_port}/weights.pt"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            served.ranges.append(asked)
            if served.status != 200:
                self.send_error(served.status)
                return
            content = served.files.get(self.path.rpartition("/")[2], served.content)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and served.ranged else 0
            if start >= len(content):
                self.send_error(416)
                return
            body = content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cut_after] if served.cut_after else body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    return Handler
