"""Everything that is wrong with a declaration, all at once, offline, with unknown values anywhere.

Two kinds of rules: what one property may hold (the table of :mod:`.known_types`, checked by pydantic), and what several must be
together (the functions at the end, over raw values, so that they speak even where a single property is wrong as well).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .advice import nearest
from .content import TRIGGER, is_typed
from .json_values import json_problems
from .known_types import TRIGGER as TYPED_TRIGGER
from .known_types import TYPES
from .models import OBJECT_TAG, TEXT_TAG, adapter
from .problems import Problem
from .specs import Either, Fields, Items, Spec, Text
from .values import UNKNOWN, normalise

_COMMON: Final = frozenset({"key", "installation", "apiVersion", "adopt"})
_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,255}")
_PRODUCT: Final = "jira"

Location = tuple[str | int, ...]


def check_key(key: Any) -> str | None:
    """What is wrong with a module's key, or None.

    The characters are the specification's (docs:manifest-reference, ``ModuleKeySchema``); the length is our own limit.
    """
    if key is UNKNOWN or (isinstance(key, str) and _KEY.fullmatch(key)):
        return None
    if not isinstance(key, str):
        return "key= must be a string"
    return "key= must be 1 to 255 of a-z A-Z 0-9 _ - (the length is our own limit)"


def check_content(props: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with the content of a declaration.

    Args:
        props: The properties of a resource; what is not content (``key``, ``installation``, ``__*``) is ignored.

    Returns:
        The problems in a stable order; empty if there are none.
    """
    own = {name: value for name, value in props.items() if name not in _COMMON and not name.startswith("__")}
    problems = [problem for name, value in own.items() for problem in json_problems(value, name)]
    if problems:  # nothing below may walk a value that is too deep
        broken = {re.split(r"[.\[]", problem.path, maxsplit=1)[0] for problem in problems}
        own = {name: UNKNOWN if name in broken else value for name, value in own.items()}
    own = normalise(own)
    problems += _typed(own) if is_typed(own) else _raw(own)
    return sorted(problems, key=lambda problem: problem.path)


def _typed(props: dict[str, Any]) -> list[Problem]:
    arguments = _Arguments("", python=True)
    return [*_fields(props, TYPED_TRIGGER, "TRIGGER", "", arguments), *_trigger(props, arguments)]


def _raw(props: dict[str, Any]) -> list[Problem]:
    strangers = sorted(set(props) - {"type", "data"})
    problems = [Problem(name, f"{name} is not an argument of DynamicModule: put it into data=") for name in strangers]
    type_, data = props.get("type"), props.get("data")
    if type_ is not UNKNOWN and (not isinstance(type_, str) or not type_):
        problems.append(Problem("type", "type= must be a string that is not empty, for example 'jira:issuePanel'"))
    if data is UNKNOWN:
        return problems
    if not isinstance(data, dict):
        return [*problems, Problem("data", "data= must be a dictionary")]
    spec = TYPES.get(type_) if isinstance(type_, str) else None
    if spec is None or not isinstance(type_, str):
        return problems
    arguments = _Arguments("data", python=False)
    content = {name: value for name, value in data.items() if name != "key"}
    problems += _fields(content, spec, "TYPES", type_, arguments)
    return problems + (_trigger(content, arguments) if type_ == TRIGGER else [])


class _Arguments:
    """How a property is called: its path in state, and its name in a program."""

    def __init__(self, root: str, *, python: bool) -> None:
        self._root = root
        self._python = python

    def path(self, location: Sequence[str | int]) -> str:
        parts = [self._root] if self._root else []
        text = ".".join(parts)
        for part in location:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def name(self, location: Sequence[str | int]) -> str:
        names = [part for part in location if isinstance(part, str)]
        if not names:
            return self._root or "the trigger"
        if self._python:
            return _snake(names[-1]) + ("=" if len(names) == len(location) else "")
        return f"{self._root}[{names[-1]!r}]" if len(names) == 1 else repr(names[-1])


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


# --- what one property may hold ---------------------------------------------------------------------------------------------


def _fields(value: dict[str, Any], spec: Fields, table: str, name: str, arguments: _Arguments) -> list[Problem]:
    try:
        adapter(table, name).validate_python(value)
        failures: list[ErrorDetails] = []
    except ValidationError as error:
        failures = error.errors(include_url=False, include_context=True, include_input=False)
    problems = [_in_words(failure, spec, arguments) for failure in failures]
    return problems + list(_groups(value, spec, (), arguments))


def _in_words(failure: ErrorDetails, spec: Fields, arguments: _Arguments) -> Problem:
    location: Location = tuple(part for part in failure["loc"] if part not in (TEXT_TAG, OBJECT_TAG))
    return Problem(arguments.path(location), f"{arguments.name(location)} {_rule(failure, location, spec)}")


_RULES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "bool_type": "must be True or False",
    "list_type": "must be a list",
    "too_short": "must have at least one entry",
    "model_type": "must be a dictionary",
    "dict_type": "must be a dictionary",
}


def _rule(failure: ErrorDetails, location: Location, spec: Fields) -> str:
    """A failure of pydantic in our words, and never with the value."""
    kind, context = failure["type"], failure.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_property(location, spec)
    if kind == "string_too_long":
        return f"must have at most {context['max_length']:,} characters"
    if kind == "literal_error":
        return f"must be one of {_listed(context['expected'])}"
    if kind == "string_pattern_mismatch":
        of = _spec_at(spec, location)
        return f"must be {of.form}" if isinstance(of, Text) and of.form else f"must match {context['pattern']}"
    return _RULES.get(kind, "has a value that is not allowed")


def _listed(expected: str) -> str:
    return expected.replace(" or ", ", ").replace("'", "")


def _unknown_property(location: Location, spec: Fields) -> str:
    parent = _spec_at(spec, location[:-1])
    known = [*parent.required, *parent.optional] if isinstance(parent, Fields) else []
    name = str(location[-1])
    by_python_name = {_snake(candidate): candidate for candidate in known}
    if name in by_python_name:
        return f"is spelt {by_python_name[name]} in a dictionary"
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"known here: {', '.join(known)}"
    return f"({name}) is not a property that is known here; {hint}"


def _spec_at(spec: Spec, location: Sequence[str | int]) -> Spec | None:
    found: Spec | None = spec
    for part in location:
        if isinstance(found, Either):
            found = found.fields
        if isinstance(found, Items):
            found = found.of
        elif isinstance(found, Fields):
            found = found.required.get(str(part)) or found.optional.get(str(part))
        else:
            return None
    return found.text if isinstance(found, Either) and location and isinstance(found.text, Text) else found


# --- what several properties must be together -------------------------------------------------------------------------------


def _groups(value: Any, spec: Spec | None, location: Location, arguments: _Arguments) -> Iterator[Problem]:
    """``exactly_one`` and ``at_least_one`` at every depth."""
    if isinstance(spec, Either):
        spec = spec.fields
    if isinstance(spec, Items) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _groups(item, spec.of, (*location, index), arguments)
    elif isinstance(spec, Fields) and isinstance(value, dict):
        yield from _groups_here(value, spec, location, arguments)
        for name, of in {**spec.required, **spec.optional}.items():
            yield from _groups(value.get(name), of, (*location, name), arguments)


def _groups_here(value: dict[str, Any], spec: Fields, location: Location, arguments: _Arguments) -> Iterator[Problem]:
    for names in spec.exactly_one:
        given = [name for name in names if name in value]
        both = " and ".join(arguments.name((*location, name)) for name in names)
        if not given:
            yield Problem(arguments.path(location), f"exactly one of {both} is needed, and there is neither")
        elif len(given) > 1 and not any(value[name] is UNKNOWN for name in given):
            yield Problem(arguments.path(location), f"exactly one of {both} is needed, and there are both: remove one")
    if spec.at_least_one and not any(name in value for name in spec.at_least_one):
        some = ", ".join(arguments.name((*location, name)) for name in spec.at_least_one)
        yield Problem(arguments.path(location), f"{arguments.name(location)} needs at least one of {some}")


def _trigger(data: Mapping[str, Any], arguments: _Arguments) -> list[Problem]:
    events = data.get("events")
    listed = events if isinstance(events, list) else []
    problems = list(_repeated(listed, arguments))
    names = None if events is UNKNOWN else [_event_name(event) for event in listed]
    problems += _filter(data.get("filter"), names, ("filter",), arguments)
    for index, event in enumerate(listed):
        if isinstance(event, dict):
            problems += _filter(event.get("filter"), [_event_name(event)], ("events", index, "filter"), arguments)
    return problems


def _event_name(event: Any) -> Any:
    return event.get("eventType", "") if isinstance(event, dict) else event


def _repeated(events: list[Any], arguments: _Arguments) -> Iterator[Problem]:
    """Our own rule: a set has no doubles, and the API says nothing of what two would mean."""
    for index, event in enumerate(events):
        if event is not UNKNOWN and isinstance(event, (str, dict)) and event in events[:index]:
            yield Problem(arguments.path(("events", index)), "events names this one twice: remove one")


def _filter(value: Any, events: list[Any] | None, location: Location, arguments: _Arguments) -> list[Problem]:
    if not isinstance(value, dict):
        return []
    problems = []
    if "onError" in value and "expression" not in value:
        # The documentation of the trigger module allows it only there.
        where = (*location, "onError")
        text = f"{arguments.name(where)} is allowed only together with {arguments.name((*location, 'expression'))}"
        problems.append(Problem(arguments.path(where), text))
    if value.get("ignoreSelf") is True and events is not None:
        # @forge/cli, validate-trigger: every event's name must contain "jira"
        strangers = [name for name in events if isinstance(name, str) and _PRODUCT not in name]
        if strangers:
            where = (*location, "ignoreSelf")
            text = f"{arguments.name(where)} is allowed only where the name of every event contains {_PRODUCT!r}"
            problems.append(Problem(arguments.path(where), text))
    return problems
