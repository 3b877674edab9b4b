"""What servers make of the modules that they are sent: a dozen normalizations, for the independent server's ``rewrite``.

Each takes the ``data`` of a module and returns it as the server stores it. None changes what a module runs (``function``,
``endpoint``, ``resource``), because those are keys of the app's manifest. Applied twice, each is the same as once.
"""

from __future__ import annotations

import itertools
import json
import random
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from testing.independent_server import Server

Data = dict[str, Any]
_HANDLERS: Final = ("function", "endpoint", "resource", "resolver", "key")
_CUT: Final = 12  # characters, after which one of the servers cuts a text
_counter = itertools.count()


def _each_text(change: Callable[[str], str]) -> Callable[[Data], Data]:
    """A normalization of every text of a module."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(item) for name, item in value.items()}
        if isinstance(value, list):
            return [changed(item) for item in value]
        return change(value) if isinstance(value, str) else value

    return lambda data: {name: value if name in (*_HANDLERS, "events") else changed(value) for name, value in data.items()}


def _wrapped(text: str) -> str:
    return text if text.startswith("(") else f"({text})"


def _without(is_left_out: Callable[[Any], bool]) -> Callable[[Data], Data]:
    """A normalization that leaves out members at any depth."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            inner = {name: kept(item) for name, item in value.items()}
            return {name: item for name, item in inner.items() if not is_left_out(item)}
        return [kept(item) for item in value] if isinstance(value, list) else value

    return kept


def _sorted_lists(data: Data) -> Data:
    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(item) for name, item in value.items()}
        return sorted(map(changed, value), key=json.dumps) if isinstance(value, list) else value

    return changed(data)  # type: ignore[no-any-return]


def _numbers_as_texts(data: Data) -> Data:
    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(item) for name, item in value.items()}
        if isinstance(value, list):
            return [changed(item) for item in value]
        return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    return changed(data)  # type: ignore[no-any-return]


def _events_as_objects(data: Data) -> Data:
    events = data.get("events")
    if not isinstance(events, list):
        return data
    return {**data, "events": [{"eventType": event} if isinstance(event, str) else event for event in events]}


def _defaults(data: Data) -> Data:
    filter_ = data.get("filter")
    if not isinstance(filter_, dict) or "expression" not in filter_:
        return data
    return {**data, "filter": {"onError": "IGNORE_AND_LOG", "ignoreSelf": False, **filter_}}


NORMALIZATIONS: Final[Mapping[str, Callable[[Data], Data]]] = {
    "trimmed": _each_text(str.strip),
    "line ends": _each_text(lambda text: text.replace("\r\n", "\n")),
    "composed": _each_text(lambda text: unicodedata.normalize("NFC", text)),
    "decomposed": _each_text(lambda text: unicodedata.normalize("NFD", text)),
    "lower case": _each_text(str.lower),
    "in parentheses": _each_text(_wrapped),
    "cut": _each_text(lambda text: text[:_CUT]),
    "without false": _without(lambda value: value is False),
    "without what is empty": _without(lambda value: value in ({}, [], "")),
    "with what is empty": lambda data: {"filter": {"ignoreSelf": False}, "payload": {"include": {}}} | data,
    "with defaults": _defaults,
    "with additions": lambda data: {**data, "revision": next(_counter), "links": {"self": "x"}},
    "sorted lists": _sorted_lists,
    "events as objects": _events_as_objects,
    "numbers as texts": _numbers_as_texts,
    "null": lambda data: dict.fromkeys(("filter", "payload", "displayConditions")) | data,
    "addresses": lambda data: {
        name: f"https://cdn.example/{next(_counter)}" if isinstance(value, str) and value.startswith("resource:") else value
        for name, value in data.items()
    },
}


EQUAL_UNDER_THE_RULES: Final = (
    *("trimmed", "line ends", "composed", "decomposed", "without false", "without what is empty", "with what is empty"),
    *("with defaults", "with additions", "null", "addresses"),
)
"""Those of which a provider needs no memory (docs/adr/0001-state.md)."""

FILTER: Final = "filter=forge.TriggerFilter(expression=\"\\r\\n event.Issue.key == 'Ve\\u0301lo' \", ignore_self=False)"
"""An argument of a program whose value most of them change."""


def normalize_at_random(server: Server, version: str, draw: random.Random) -> None:
    """Have a server normalize what it is sent from now on, in up to four ways.

    Under v1 they are of those whose result is equal under the rules: of others an interrupted run cannot know its own module.
    """
    known = sorted(EQUAL_UNDER_THE_RULES if version == "v1" else NORMALIZATIONS)
    names = draw.sample(known, draw.randint(1, 4))
    server.rewrite = lambda module: {**module, "data": normalized(module["data"], names)}


def normalized(data: Data, names: Iterable[str]) -> Data:
    """The data as a server with these normalizations stores it."""
    for name in names:
        data = NORMALIZATIONS[name](data)
    return data
