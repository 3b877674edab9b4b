"""What the program warns of, because it needs no API and only the program knows it (design decision 9).

Each warning stands on the resource that it is about. Nothing here fails, and nothing shows a secret value.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from weakref import WeakSet

import pulumi
from pulumi.runtime import is_config_secret

from pulumi_atlassian_forge.model.catalog.events import APP_EVENTS, EVENTS
from pulumi_atlassian_forge.model.suggestions import nearest

_NAMESPACE = "atlassian-forge"  # as in settings, which the program need not load

# Those of the program runs that the configuration was looked at for: the Automation API may run several in one process.
_looked: WeakSet[asyncio.AbstractEventLoop] = WeakSet()


def about(resource: pulumi.Resource, properties: Mapping[str, Any]) -> None:
    """Warn of what looks wrong in one resource, now or when its outputs are known."""
    _warn_of_clear_text_token(resource)
    for name, value in _subjects(properties):
        if value is not None:
            _when_known(value, lambda known, name=name: _warn(resource, _ADVICE[name](name, known)))


def _subjects(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is looked at: the arguments of both resources, and the data of a trigger that was declared by hand."""
    yield from ((name, properties.get(name)) for name in _ADVICE)
    data = properties.get("data")
    if properties.get("type") == "trigger" and isinstance(data, Mapping):
        yield from ((name, data.get(name)) for name in _ADVICE if name != "type")


def _when_known(value: Any, then: Any) -> None:
    if not isinstance(value, (str, list, tuple)):
        output = pulumi.Output.from_input(value)
    elif isinstance(value, str) or all(isinstance(item, str) for item in value):
        then(value)
        return
    else:
        output = pulumi.Output.from_input(list(value))
    # A secret's value must not stand in a warning; is_secret() is never unknown.
    pulumi.Output.all(output, output.is_secret()).apply(lambda found: None if found[1] else then(found[0]))


def _warn(resource: pulumi.Resource, texts: list[str]) -> None:
    for text in texts:
        pulumi.log.warn(text, resource=resource)


def _events(_name: str, value: Any) -> list[str]:
    items = value if isinstance(value, (list, tuple)) else []
    names = [item.get("eventType") if isinstance(item, Mapping) else item for item in items]
    return [text for name in names if isinstance(name, str) and (text := misspelt_event(name))]


def _type(_name: str, value: Any) -> list[str]:
    text = misspelt_type(value) if isinstance(value, str) else None
    return [text] if text else []


def _reference(name: str, value: Any) -> list[str]:
    text = long_reference(name, value) if isinstance(value, str) else None
    return [text] if text else []


_ADVICE: Final = {"events": _events, "type": _type, "function": _reference, "endpoint": _reference}


def _warn_of_clear_text_token(resource: pulumi.Resource) -> None:
    """Once per run, on its first resource: the configuration is the same for all."""
    run = asyncio.get_event_loop()
    if run in _looked:
        return
    _looked.add(run)
    config = pulumi.Config(_NAMESPACE)
    for key, path in (("token", ""), ("installations", " --path")):
        name = f"{_NAMESPACE}:{key}"
        if is_config_secret(name) or not _holds_token(key, config.get(key)):
            continue
        where = name if key == "token" else f"'{name}.<name>.token'"
        pulumi.log.warn(
            f"{name} holds a token in clear text; encrypt it: pulumi config set --secret{path} {where} <token>",
            resource=resource,
        )


def _holds_token(key: str, value: str | None) -> bool:
    if value is None or key == "token":
        return value is not None
    try:
        entries = json.loads(value)
    except ValueError:
        return False  # the plugin says what is wrong with it
    return isinstance(entries, dict) and any(isinstance(e, dict) and e.get("token") for e in entries.values())


LONGEST_KEY: Final = 23
"""Characters of a function's or endpoint's key in a manifest (docs:manifest-reference/endpoint)."""

_EVENTS: Final = frozenset(EVENTS)


def misspelt_event(name: str) -> str | None:
    """What to say of an event that is not in the catalogue, or None of one that is."""
    if name in _EVENTS or name.startswith(APP_EVENTS):
        return None
    return f"{name!r} is not a known event{_hint(name, EVENTS)}; it is registered all the same"


def misspelt_type(name: str) -> str | None:
    """What to say of a type that is not in the table, or None of one that is."""
    from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES  # noqa: PLC0415 - a program of triggers need not wait for the table

    if name in KNOWN_TYPES:
        return None
    return f"{name!r} is not a known type of dynamic module{_hint(name, sorted(KNOWN_TYPES))}; it is registered unchecked"


def long_reference(argument: str, key: str) -> str | None:
    """What to say of a reference that no manifest can hold, or None of any other."""
    if len(key) <= LONGEST_KEY:
        return None
    return (
        f"{argument}= has {len(key)} characters; in a manifest the key of a function or an endpoint has at most {LONGEST_KEY} "
        "(docs:manifest-reference/endpoint), so nothing can be found under it."
    )


def _hint(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f" (did you mean {near!r}?)" if near else ""
