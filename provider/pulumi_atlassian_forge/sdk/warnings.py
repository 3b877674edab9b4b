"""Warnings of the program about its own arguments: each is logged on its resource. Nothing fails, and no secret is shown."""

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

# Characters of a function's or endpoint's key: https://developer.atlassian.com/platform/forge/manifest-reference/endpoint/
MAX_REFERENCE_LENGTH: Final = 23

_CHECKED: Final = ("events", "type", "function", "endpoint")
_NAMESPACE: Final = "atlassian-forge"  # as in config.settings, which the program does not load to start faster
_EVENTS: Final = frozenset(EVENTS)

# The runs whose configuration was checked: with the Automation API one process runs several programs.
_checked_runs: WeakSet[asyncio.AbstractEventLoop] = WeakSet()


def warn_about(resource: pulumi.Resource, properties: Mapping[str, Any]) -> None:
    """Log the warnings about one resource, now or when its outputs are known."""
    _warn_of_clear_text_token(resource)
    for name, value in _subjects(properties):
        if value is not None:
            _when_known(value, lambda known, name=name: _log(resource, _texts(name, known)))


def _subjects(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments that are checked: of both resources, and of a trigger that is declared as a ``DynamicModule``."""
    yield from ((name, properties.get(name)) for name in _CHECKED)
    data = properties.get("data")
    if properties.get("type") == "trigger" and isinstance(data, Mapping):
        yield from ((name, data.get(name)) for name in _CHECKED if name != "type")


def _when_known(value: Any, then: Any) -> None:
    is_list = isinstance(value, (list, tuple))
    if isinstance(value, str) or (is_list and all(isinstance(item, str) for item in value)):
        then(value)
        return
    output = pulumi.Output.from_input(list(value) if is_list else value)
    # A warning must not show a secret; is_secret() is never unknown.
    pulumi.Output.all(output, output.is_secret()).apply(lambda found: None if found[1] else then(found[0]))


def _log(resource: pulumi.Resource, texts: Iterable[str | None]) -> None:
    for text in filter(None, texts):
        pulumi.log.warn(text, resource=resource)


def _texts(name: str, value: Any) -> Iterator[str | None]:
    """The warnings about a known value; None for a part without one."""
    if name == "events":
        for item in value if isinstance(value, (list, tuple)) else ():
            event = item.get("eventType") if isinstance(item, Mapping) else item
            yield misspelt_event(event) if isinstance(event, str) else None
    elif isinstance(value, str):
        yield misspelt_type(value) if name == "type" else long_reference(name, value)


def _warn_of_clear_text_token(resource: pulumi.Resource) -> None:
    """Check the configuration once per run, on the first resource: it is the same for all."""
    run = asyncio.get_event_loop()
    if run in _checked_runs:
        return
    _checked_runs.add(run)
    config = pulumi.Config(_NAMESPACE)
    for key, options in (
        ("token", f"{_NAMESPACE}:token"),
        ("installations", f"--path '{_NAMESPACE}:installations.<name>.token'"),
    ):
        name = f"{_NAMESPACE}:{key}"
        if _holds_token(key, config.get(key)) and not is_config_secret(name):
            advice = f"pulumi config set --secret {options} <token>"
            pulumi.log.warn(f"{name} holds a token in clear text; encrypt it: {advice}", resource=resource)


def _holds_token(key: str, value: str | None) -> bool:
    if value is None or key == "token":
        return value is not None
    try:
        entries = json.loads(value)
    except ValueError:
        return False  # the plugin reports the error
    return isinstance(entries, dict) and any(isinstance(e, dict) and e.get("token") for e in entries.values())


def misspelt_event(name: str) -> str | None:
    """The warning about an event that is not in the catalog; None if it is."""
    if name in _EVENTS or name.startswith(APP_EVENTS):
        return None
    return f"{name!r} is not a known event{_hint(name, EVENTS)}; it is registered all the same"


def misspelt_type(name: str) -> str | None:
    """The warning about a type that is not in the table; None if it is."""
    from pulumi_atlassian_forge.model.catalog.module_types import KNOWN_TYPES  # noqa: PLC0415 - a program of triggers starts faster without

    if name in KNOWN_TYPES:
        return None
    return f"{name!r} is not a known type of dynamic module{_hint(name, sorted(KNOWN_TYPES))}; it is registered unchecked"


def long_reference(argument: str, key: str) -> str | None:
    """The warning about a reference that is too long for a manifest; None if it is not."""
    if len(key) <= MAX_REFERENCE_LENGTH:
        return None
    return (
        f"{argument}= has {len(key)} characters; in a manifest the key of a function or an endpoint has at most "
        f"{MAX_REFERENCE_LENGTH}, so nothing can be found under it."
    )


def _hint(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f" (did you mean {near!r}?)" if near else ""
