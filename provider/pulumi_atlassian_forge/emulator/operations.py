"""The five operations of the API, each in one transaction. Numbers in comments: API assumptions (:mod:`.api_assumptions`)."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pulumi_atlassian_forge.model.catalog.module_types import DEFAULTS, TYPES
from pulumi_atlassian_forge.model.content import TRIGGER
from pulumi_atlassian_forge.model.validation import data_problems

from .options import EmulatorOptions
from .requests import fields_of
from .responses import EmulatorResponse, Refusal, json_response
from .rows import Content, Module
from .store import Store

MODULE_LIMIT: Final = 100
_LIMIT_QUERY: Final = re.compile(r"[0-9]{1,9}")
_CURSOR: Final = re.compile(r"(v1|v2):([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of one request: on one installation, under one version of the API, at one time."""

    store: Store
    options: EmulatorOptions
    installation: str
    version: str
    now: float

    def register(self, body: bytes) -> EmulatorResponse:
        """``POST`` on the collection."""
        fields = fields_of(body)
        key = self._new_key(fields)
        content = _validated(fields)
        with self.store.write() as rows:
            if rows.module(self.installation, self.version, key) is not None:  # A08
                raise Refusal(422, f"a module with the key {key} is registered already")
            shared = self.options.shared_limit == "on"
            if rows.count(self.installation, None if shared else self.version) >= MODULE_LIMIT:  # A07
                raise Refusal(422, f"an installation has at most {MODULE_LIMIT} dynamic modules")
            rows.add_module(self.installation, self.version, key, content, self.now)
        if self.version == "v1" and self.options.register_body_v1 == "empty":  # A03
            return EmulatorResponse(201)
        return json_response(201, self._resource(key, content))

    def list(self, query: Mapping[str, str]) -> EmulatorResponse:
        """``GET`` on the collection."""
        limit, after = self._page(query)
        with self.store.read() as rows:
            modules = rows.modules(self.installation, self.version)
        seen = [(module, content) for module in modules if (content := self._visible(module)) and self._listed(module)]
        if self.options.list_shape == "array":  # A13: there is no cursor to request the rest with
            return json_response(200, [self._resource(module.key, content) for module, content in seen])
        rest = [(module, content) for module, content in seen if module.seq > after]
        page = rest[:limit]
        response: dict[str, Any] = {"result": [self._resource(module.key, content) for module, content in page]}
        if len(rest) > len(page):  # A12
            names = ["lastEvaluatedKey"] + ["nextPageToken"] * (self.options.cursor_name == "both")
            response |= dict.fromkeys(names, _cursor(self.version, page[-1][0].seq))
        return json_response(200, response)

    def read(self, key: str) -> EmulatorResponse:
        """``GET`` on a module."""
        with self.store.read() as rows:
            module = rows.module(self.installation, self.version, key)
        content = self._visible(module) if module else None
        if content is None:
            raise _not_found(key)
        return json_response(200, self._resource(key, content))

    def update(self, key: str, body: bytes) -> EmulatorResponse:
        """``PUT`` on a module."""
        fields = fields_of(body)
        self._check_key(key, fields)
        with self.store.write() as rows:
            module = rows.module(self.installation, self.version, key)
            if module is None:  # A19
                raise _not_found(key)
            if module.content[0] != fields["type"] and self.options.put_type_change == "refuse":  # A20
                raise Refusal(422, "type cannot be modified during update")
            content = _validated(fields)
            rows.replace_module(module, content, self._visible(module), self.now)
        return json_response(200, self._resource(key, content))

    def delete(self, key: str) -> EmulatorResponse:
        """``DELETE`` on a module."""
        with self.store.write() as rows:
            module = rows.module(self.installation, self.version, key)
            if module is None:  # A24
                raise _not_found(key)
            rows.delete_module(module)
        return EmulatorResponse(204)

    def _new_key(self, fields: Mapping[str, Any]) -> str:
        if self.version == "v2":
            if "key" in fields and self.options.body_key_v2 == "refuse":  # A05
                raise Refusal(422, "key is made by the server")
            return str(uuid.uuid4())
        if "key" not in fields:  # A04
            raise Refusal(422, "key is required")
        return str(fields["key"])

    def _check_key(self, key: str, fields: Mapping[str, Any]) -> None:
        if "key" not in fields:
            if self.version == "v1" and self.options.put_without_key_v1 == "refuse":  # A18
                raise Refusal(422, "key is required")
        elif fields["key"] != key and (self.version == "v1" or self.options.put_key_mismatch_v2 == "refuse"):  # A17
            raise Refusal(400, "Key cannot be modified during update")

    def _page(self, query: Mapping[str, str]) -> tuple[int, int]:  # A14
        limit, cursor = query.get("limit"), query.get("nextPageToken")
        if limit is not None and not (_LIMIT_QUERY.fullmatch(limit) and int(limit)):
            raise Refusal(422, "limit has to be a whole number above 0")
        after = 0 if cursor is None else _position(self.version, cursor)
        most = self.options.page_size
        return most if limit is None else min(int(limit), most), after

    def _listed(self, module: Module) -> bool:
        return module.key not in self.options.static  # A15

    def _visible(self, module: Module) -> Content | None:
        lag = self.options.read_lag_ms / 1000
        lagging = lag and self.now - module.changed_at < lag  # A27; without a lag, a clock that is set back must hide nothing
        return module.before if lagging else module.content

    def _resource(self, key: str, content: Content) -> dict[str, Any]:
        type_, data = content
        if self.options.fill_defaults == "on":
            data = _with_defaults(type_, data)
        events = data.get("events")
        if self.options.sort_events == "on" and type_ == "trigger" and isinstance(events, list):  # a fixture can store any data
            data = {**data, "events": sorted(events, key=json.dumps)}
        return {"key": key, "type": type_, "data": {**data, "key": key}}


def _validated(fields: Mapping[str, Any]) -> Content:
    type_, data = fields["type"], {name: value for name, value in fields["data"].items() if name != "key"}
    if type_ not in TYPES:  # A06
        raise Refusal(422, f"type {type_!r} is not a dynamic module's")
    if problems := data_problems(type_, data, TYPES[type_]):  # A06, A21
        raise Refusal(422, f"{problems[0].path}: {problems[0].text}")
    return type_, data


def _with_defaults(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data with the documented default of each property that was not sent."""
    defaults = DEFAULTS.get(type_, {})
    if type_ != TRIGGER:
        return {path[0]: value for path, value in defaults.items()} | data
    filter_ = data.get("filter")
    if not isinstance(filter_, dict) or "expression" not in filter_:
        return data
    return {**data, "filter": {"onError": defaults["filter", "onError"], **filter_}}


def _not_found(key: str) -> Refusal:
    return Refusal(404, f"there is no module with the key {key}")


def _cursor(version: str, seq: int) -> str:
    return base64.urlsafe_b64encode(f"{version}:{seq}".encode()).decode()


def _position(version: str, cursor: str) -> int:
    try:
        match = _CURSOR.fullmatch(base64.b64decode(cursor, altchars=b"-_", validate=True).decode())
    except ValueError:
        match = None
    if match is None or match[1] != version:
        raise Refusal(422, "nextPageToken is not a cursor of this list")
    return int(match[2])
