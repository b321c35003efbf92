"""An API on loopback: a test gives the answers of each path, and sees what was requested."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """What was requested."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)


@dataclass
class Answer:
    """What is answered."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class LoopbackApi:
    """Answers each path by its function in `routes`; `next_answers` come first, one request each."""

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[Request], Answer]] = {}  # by a regular expression of the path
        self.next_answers: list[Answer] = []
        self.requests: list[Request] = []
        self.token = ""  # where given, requests without it are answered by 401
        self.stall_at = 0  # this request and those after it are not answered
        self.stalled = threading.Event()
        self._ended = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                api.send(self, self.rfile.read(length))

            do_GET = do_POST = do_PATCH = _answer  # noqa: N815

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def send(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        """Answer one request."""
        parts = urlsplit(handler.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = _read(raw, handler.headers.get("Content-Type", ""))
        request = Request(handler.command, parts.path, query, body, dict(handler.headers))
        self.requests.append(request)
        if self.stall_at and len(self.requests) >= self.stall_at:
            self.stalled.set()
            self._ended.wait(60)
            return
        answer = self._answer_to(request)
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _answer_to(self, request: Request) -> Answer:
        if self.next_answers:
            return self.next_answers.pop(0)
        if self.token and self.token not in request.headers.get("Authorization", ""):
            return Answer({"error": "unauthorized"}, 401)
        matching = [path for path in self.routes if re.fullmatch(path, request.path)]
        return self.routes[matching[0]](request) if matching else Answer({"error": "not found"}, 404)

    def stop(self) -> None:
        """Stop serving; requests that were not answered end."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


def _read(raw: bytes, kind: str) -> Any:
    if not raw:
        return None
    return json.loads(raw) if "json" in kind else parse_qs(raw.decode())


@contextmanager
def serving() -> Iterator[LoopbackApi]:
    """An API without any path, for the `with` block."""
    api = LoopbackApi()
    try:
        yield api
    finally:
        api.stop()
