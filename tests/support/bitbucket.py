"""A fake of Bitbucket's API for the comments of one pull request, with two comments a page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_PATH = "/repositories/team/modules/pullrequests/7/comments"
_PAGE_SIZE = 2


@dataclass
class FakeBitbucket:
    url: str = ""
    token: str = "planted-comment-token-91"
    accepts_token: bool = True
    comments: list[dict[str, Any]] = field(default_factory=list)
    not_editable: set[int] = field(default_factory=set)

    def add(self, text: str, *, editable: bool = True) -> dict[str, Any]:
        self.comments.append({"id": len(self.comments) + 1, "content": {"raw": text}})
        if not editable:
            self.not_editable.add(len(self.comments))
        return self.comments[-1]

    def texts(self) -> list[str]:
        return [comment["content"]["raw"] for comment in self.comments]

    def response(self, method: str, path: str, query: str, body: Any) -> tuple[int, Any]:
        tail = path.removeprefix(_PATH).strip("/")
        if not path.startswith(_PATH):
            return 404, {}
        if method == "POST":
            return 201, self.add(body["content"]["raw"])
        if method == "PUT":
            if int(tail) in self.not_editable:
                return 403, {}
            self.comments[int(tail) - 1]["content"] = body["content"]
            return 200, self.comments[int(tail) - 1]
        start = int(parse_qs(query).get("page", ["0"])[0])
        more = {"next": f"{self.url}{_PATH}?page={start + _PAGE_SIZE}"} if start + _PAGE_SIZE < len(self.comments) else {}
        return 200, {"values": self.comments[start : start + _PAGE_SIZE], **more}


@contextmanager
def fake_bitbucket() -> Iterator[FakeBitbucket]:
    api = FakeBitbucket()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            is_authorized = api.accepts_token and self.headers.get("authorization") == f"Bearer {api.token}"
            status, response = (
                api.response(self.command, parts.path, parts.query, json.loads(body or b"null")) if is_authorized else (401, {})
            )
            text = json.dumps(response).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
