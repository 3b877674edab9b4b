"""Test server: a second implementation of the API, which records every request.

It shares no line with the emulator, so that one bug cannot hide on both sides. It is in memory, uses the standard library only,
and is written from the specification. Tests can make it fail.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "planted-token-6f1d0c"
DROP, CUT = "drop", "cut"
INSTALLATION = "11111111-aaaa-4aaa-8aaa-111111111111/22222222-bbbb-4bbb-8bbb-222222222222/33333333-cccc-4ccc-8ccc-333333333333"
Module = dict[str, Any]


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Server:
    """What a test sees and sets.

    ``interfere`` may respond in place of the server, before anything is done: (status, body) or (status, body, headers).
    ``distort`` may respond in place of the server, after it is done: the same, or DROP, or CUT.
    Either may return DROP: the connection is closed without a response.
    ``shared_limit`` has the limit count the modules of both versions together.
    ``cursor_behind_last`` has the last page of an envelope point to an empty one, as a store does that learns only there that
    there is no more.
    ``installation`` is that of the token, as appId/environmentId/installationId; ``details`` is what it tells, to one request
    in ``details_interval`` seconds.
    """

    base_url: str = ""
    list_shape: str = "array"
    page_size: int = 100
    cursor_behind_last: bool = False
    empty_201: bool = False
    rewrite: Callable[[Module], Module] = lambda module: module
    interfere: Callable[[Call], Any] = lambda call: None
    distort: Callable[[Call, int, bytes], Any] = lambda call, status, body: None
    latency: float = 0.0
    token: str = TOKEN
    stores: dict[str, dict[str, Module]] = field(default_factory=lambda: {"v1": {}, "v2": {}})
    calls: list[Call] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    limit: int = 100
    shared_limit: bool = False
    installation: str = INSTALLATION
    details: Module = field(default_factory=lambda: {"version": "4.2.0", "installationContext": {"id": "ari:cloud:jira::site/s"}})
    details_interval: float = 0.0
    details_at: float = float("-inf")
    in_flight: int = 0
    most_in_flight: int = 0

    def count(self, method: str) -> int:
        return sum(call.method == method for call in self.calls)

    def detail_calls(self) -> list[Call]:
        return [call for call in self.calls if is_about_details(call)]

    def writes(self) -> list[str]:
        return [call.method for call in self.calls if call.method != "GET"]

    def counts(self) -> dict[str, int]:
        return {method: self.count(method) for method in ("GET", "POST", "PUT", "DELETE")}

    def modules(self, version: str = "v1") -> list[Module]:
        return list(self.stores[version].values())

    def environment(self, **more: str) -> dict[str, str]:
        return {"ATLASSIAN_FORGE_BASE_URL": self.base_url, "ATLASSIAN_FORGE_TOKEN": self.token, **more}

    # -- the API ------------------------------------------------------------------------------------------------------

    def response(self, call: Call) -> tuple[int, bytes, dict[str, str]]:
        with self.lock:
            self.calls.append(call)
        early = self.interfere(call)
        if early is not None:
            return _replaced(early)
        status, body, headers = self._served(call)
        late = self.distort(call, status, body)
        if late == CUT:
            return -2, body, headers
        return (status, body, headers) if late is None else _replaced(late)

    def _served(self, call: Call) -> tuple[int, bytes, dict[str, str]]:
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return _json(401, {"message": "Authorization failed"})
        if is_about_details(call):
            return self._details(call)
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        if parts[:2] != ["forge", "installation"] or parts[3:5] != ["dynamic", "module"] or parts[2] not in self.stores:
            return _json(404, {"message": "no such path"})
        with self.lock:
            return self._operate(call, parts[2], parts[5] if len(parts) > 5 else None)

    def _details(self, call: Call) -> tuple[int, bytes, dict[str, str]]:
        app, environment, id_ = self.installation.split("/")
        if call.path != f"/forge/installation/v1/{app}/{environment}/installation/{id_}":
            return _json(401, {"type": "AuthorizationError", "code": 401, "message": "Authorization failed"})
        with self.lock:
            left = self.details_at + self.details_interval - time.monotonic()
            if left > 0:
                status, body, headers = _json(429, {"type": "RateLimitError", "code": 429, "message": "too many requests"})
                return status, body, {**headers, "retry-after": str(int(left) + 1)}
            self.details_at = time.monotonic()
        return _json(200, self.details)

    def _operate(self, call: Call, version: str, key: str | None) -> tuple[int, bytes, dict[str, str]]:
        store = self.stores[version]
        if key is None:
            if call.method == "POST":
                return self._register(store, version, json.loads(call.body))
            return self._list(store, call) if call.method == "GET" else _json(405, {"message": "method not allowed"})
        if key not in store:
            return _json(404, {"message": f"no module {key}"})
        if call.method == "DELETE":
            del store[key]
            return 204, b"", {}
        if call.method == "PUT":
            body = json.loads(call.body)
            if version == "v1" and body.get("key") != key:
                return _json(400, {"message": "Key cannot be modified during update"})
            store[key] = self._stored(key, body)
        return _json(200, store[key])

    def _register(self, store: dict[str, Module], version: str, body: Module) -> tuple[int, bytes, dict[str, str]]:
        wanted = {"key", "type", "data"} if version == "v1" else {"type", "data"}
        if set(body) != wanted:
            return _json(422, {"message": f"a registration has exactly {sorted(wanted)}"})
        if (sum(map(len, self.stores.values())) if self.shared_limit else len(store)) >= self.limit:
            return _json(422, {"message": f"at most {self.limit} dynamic modules"})
        key = body["key"] if version == "v1" else str(uuid.uuid4())
        if key in store:
            return _json(422, {"message": f"key {key} is taken"})
        store[key] = self._stored(key, body)
        return (201, b"", {}) if version == "v1" and self.empty_201 else _json(201, store[key])

    def _stored(self, key: str, body: Module) -> Module:
        module = {"key": key, "type": body["type"], "data": {**body["data"], "key": key}}
        return self.rewrite(module)

    def _list(self, store: dict[str, Module], call: Call) -> tuple[int, bytes, dict[str, str]]:
        modules = list(store.values())
        if self.list_shape == "array":
            return _json(200, modules)
        query = parse_qs(call.query)
        start = int(query.get("nextPageToken", ["0"])[0])
        size = min(self.page_size, int(query.get("limit", ["1000"])[0]))
        page: dict[str, Any] = {"result": modules[start : start + size]}
        if start + size < len(modules) or (self.cursor_behind_last and page["result"]):
            page["lastEvaluatedKey"] = str(start + size)
        return _json(200, page)


def is_about_details(call: Call) -> bool:
    parts = call.path.strip("/").split("/")
    return call.method == "GET" and len(parts) == 7 and parts[:2] == ["forge", "installation"] and parts[5] == "installation"


def _replaced(response: Any) -> tuple[int, bytes, dict[str, str]]:
    if response == DROP:
        return -1, b"", {}
    status, body, *headers = response
    return status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers[0] if headers else {}


def _json(status: int, body: Any) -> tuple[int, bytes, dict[str, str]]:
    return status, json.dumps(body).encode(), {"content-type": "application/json"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    forge: Server

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, parts.path, parts.query, self.rfile.read(length), headers)
        forge = self.forge
        with forge.lock:
            forge.in_flight += 1
            forge.most_in_flight = max(forge.most_in_flight, forge.in_flight)
        try:
            if forge.latency:
                time.sleep(forge.latency)
            status, body, more = forge.response(call)
        finally:
            with forge.lock:
                forge.in_flight -= 1
        if status == -1:
            self.close_connection = True
            return
        cut = status == -2
        if cut:
            status, self.close_connection = 201 if call.method == "POST" else 200, True
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that went away is what some tests are about


@contextmanager
def serve(**settings: Any) -> Iterator[Server]:
    forge = Server(**settings)
    http = _Threads(("127.0.0.1", 0), type("Handler", (_Handler,), {"forge": forge}))
    forge.base_url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
