"""A fake of Bitbucket's API for the comments of one pull request, with two comments a page; and the steps of a pipelines file."""

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


def steps_of(document: Any) -> list[dict[str, Any]]:
    """All steps below a part of a pipelines file, also those of stages and parallel groups."""
    if isinstance(document, list):
        return [step for part in document for step in steps_of(part)]
    if not isinstance(document, dict):
        return []
    own = [document["step"]] if isinstance(document.get("step"), dict) else []
    return own + [step for name, part in document.items() if name != "step" for step in steps_of(part)]


def shared_caches(document: Any) -> set[str]:
    """The caches that a step with access to production restores, and that a pull request can fill.

    A pull request runs the pipelines file of its own branch, in which it can name every cache of the repository. So these are all
    caches of a step with a deployment or an identity, whichever steps of this file name them, too.
    """
    privileged = [step for step in steps_of(document["pipelines"]) if "deployment" in step or "oidc" in step]
    assert privileged
    return {cache for step in privileged for cache in step.get("caches", [])}


@dataclass
class FakeBitbucket:
    """The API.

    Attributes:
        max_characters: Of a comment; a longer one is refused.
        redirect: Where each request is redirected, if anywhere.
        next_page: The address of the next page in each list, instead of the true one.
        authorizations: The authorization of each request.
    """

    url: str = ""
    token: str = "planted-comment-token-91"
    accepts_token: bool = True
    comments: list[dict[str, Any]] = field(default_factory=list)
    not_editable: set[int] = field(default_factory=set)
    max_characters: int = 32_768
    redirect: str | None = None
    next_page: str | None = None
    authorizations: list[str | None] = field(default_factory=list)

    def add(self, text: str, *, editable: bool = True) -> dict[str, Any]:
        self.comments.append({"id": len(self.comments) + 1, "content": {"raw": text}})
        if not editable:
            self.not_editable.add(len(self.comments))
        return self.comments[-1]

    def texts(self) -> list[str]:
        return [comment["content"]["raw"] for comment in self.comments if not comment.get("deleted")]

    def response(self, method: str, path: str, query: str, body: Any) -> tuple[int, Any]:
        tail = path.removeprefix(_PATH).strip("/")
        if not path.startswith(_PATH):
            return 404, {}
        if method == "GET":
            return 200, self._page(int(parse_qs(query).get("page", ["0"])[0]))
        if method == "DELETE":
            self.comments[int(tail) - 1]["deleted"] = True
            return 204, {}
        if len(body["content"]["raw"]) > self.max_characters:
            return 400, {}
        return (201, self.add(body["content"]["raw"])) if method == "POST" else self._update(int(tail), body["content"])

    def _update(self, number: int, content: Any) -> tuple[int, Any]:
        if number in self.not_editable:
            return 403, {}
        self.comments[number - 1]["content"] = content
        return 200, self.comments[number - 1]

    def _page(self, start: int) -> Any:
        next_page = self.next_page or f"{self.url}{_PATH}?page={start + _PAGE_SIZE}"
        more = {"next": next_page} if self.next_page or start + _PAGE_SIZE < len(self.comments) else {}
        return {"values": self.comments[start : start + _PAGE_SIZE], **more}


@contextmanager
def fake_bitbucket() -> Iterator[FakeBitbucket]:
    api = FakeBitbucket()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            api.authorizations.append(self.headers.get("authorization"))
            if api.redirect:
                self.send_response(302)
                self.send_header("location", api.redirect)
                self.send_header("content-length", "0")
                self.end_headers()
                return
            is_authorized = api.accepts_token and self.headers.get("authorization") == f"Bearer {api.token}"
            status, response = (
                api.response(self.command, parts.path, parts.query, json.loads(body or b"null")) if is_authorized else (401, {})
            )
            text = b"" if status == 204 else json.dumps(response).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

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
