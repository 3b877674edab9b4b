"""Everything that is wrong with a declaration, all at once, offline, with unknown values anywhere.

Two kinds of rules: what one property may hold (the table of :mod:`.catalog.module_types`, checked by pydantic), and what
several must be together (the functions at the end, over raw values, so that they speak even where a single property is wrong as
well).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pulumi_atlassian_forge.model.catalog.module_types import TRIGGER as TYPED_TRIGGER
from pulumi_atlassian_forge.model.catalog.module_types import TYPES
from pulumi_atlassian_forge.model.catalog.schema import Enum, ListOf, ObjectOf, OneOf, Spec, String

from .content import TRIGGER, is_typed
from .json_values import json_problems, sendable
from .models import OBJECT_TAG, TEXT_TAG, adapter
from .problems import Location, Problem, argument_of, path_of, snake
from .suggestions import nearest
from .values import UNKNOWN, contains_unknown, normalize

_COMMON: Final = frozenset({"key", "installation", "apiVersion", "adopt"})
_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,255}")
_PRODUCT: Final = "jira"
_RULES: Final = {
    "missing": "is required",
    "string_too_short": "must not be empty",
    "bool_type": "must be True or False",
    "list_type": "must be a list",
    "too_short": "must have at least one entry",
    "model_type": "must be a dictionary",
    "model_attributes_type": "must be a dictionary",
}
"""What pydantic's kinds of failures are in our words, where nothing is to be filled in."""


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
    own = normalize({name: sendable(value) for name, value in own.items()})  # nothing below may walk a value that is too deep
    problems += _typed(own) if is_typed(own) else _raw(own)
    return sorted(problems, key=lambda problem: (problem.path, problem.text))


def _typed(props: dict[str, Any]) -> list[Problem]:
    return [*_fields(props, TYPED_TRIGGER, "TRIGGER", "", ()), *_trigger(props, ())]


def _raw(props: dict[str, Any]) -> list[Problem]:
    problems = [
        Problem(name, f"{argument_of((name,))} is not an argument of DynamicModule: put it into data=")
        for name in props
        if name not in ("type", "data")
    ]
    type_, data = props.get("type"), props.get("data")
    if type_ is not UNKNOWN and (not isinstance(type_, str) or not type_):
        problems.append(Problem("type", "type= must be a string that is not empty, for example 'jira:issuePanel'"))
    if data is UNKNOWN:
        return problems
    if not isinstance(data, dict):
        return [*problems, Problem("data", "data= must be a dictionary")]
    if not isinstance(type_, str) or type_ not in TYPES:
        return problems
    content = {name: value for name, value in data.items() if name != "key"}
    problems += _fields(content, TYPES[type_], "TYPES", type_, ("data",))
    return problems + (_trigger(content, ("data",)) if type_ == TRIGGER else [])


# --- what one property may hold ---------------------------------------------------------------------------------------------


def _fields(value: dict[str, Any], spec: ObjectOf, table: str, name: str, root: Location) -> list[Problem]:
    try:
        adapter(table, name).validate_python(value)
        failures: list[ErrorDetails] = []
    except ValidationError as error:
        failures = error.errors(include_url=False, include_context=True, include_input=False)
    problems = [_in_words(failure, spec, root) for failure in failures]
    return problems + list(_groups(value, spec, root))


def _in_words(failure: ErrorDetails, spec: ObjectOf, root: Location) -> Problem:
    below: Location = tuple(part for part in failure["loc"] if part not in (TEXT_TAG, OBJECT_TAG))
    location = (*root, *below)
    if failure["type"] == "extra_forbidden":
        return Problem(path_of(location), _unknown_property(location, _spec_at(spec, below[:-1])), location)
    return Problem(path_of(location), f"{argument_of(location)} {_rule(failure, _spec_at(spec, below))}")


def _rule(failure: ErrorDetails, spec: Spec | None) -> str:
    kind, context = failure["type"], failure.get("ctx", {})
    or_dictionary = isinstance(spec, OneOf)
    of = spec.text if isinstance(spec, OneOf) else spec
    if kind == "string_too_long":
        return f"must have at most {context['max_length']:,} characters"
    if kind == "string_pattern_mismatch":
        return f"must be {of.form}" if isinstance(of, String) and of.form else f"must match {context['pattern']}"
    if kind == "string_type":
        return "must be a string or a dictionary" if or_dictionary else "must be a string"
    if kind == "literal_error" and isinstance(of, Enum):
        return f"must be one of {', '.join(of.values)}" + (", or a dictionary" if or_dictionary else "")
    return _RULES.get(kind, "has a value that is not allowed")


def _unknown_property(location: Location, parent: Spec | None) -> str:
    fields = parent.fields if isinstance(parent, OneOf) else parent
    known = [*fields.required, *fields.optional] if isinstance(fields, ObjectOf) else []
    name = str(location[-1])
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"known here are {', '.join(known)}"
    if len(location) == 1:
        return f"{argument_of(location)} is not an argument of TriggerModule: {hint}"
    by_python_name = {snake(candidate): candidate for candidate in known}
    if name in by_python_name:
        hint = f"in a dictionary it is spelt {by_python_name[name]}"
    return f"{argument_of(location[:-1])} has no property {name}: {hint}"


def _spec_at(spec: Spec, location: Sequence[str | int]) -> Spec | None:
    found: Spec | None = spec
    for part in location:
        if isinstance(found, OneOf):
            found = found.fields
        if isinstance(found, ListOf):
            found = found.of
        elif isinstance(found, ObjectOf):
            found = found.required.get(str(part)) or found.optional.get(str(part))
        else:
            return None
    return found


# --- what several properties must be together -------------------------------------------------------------------------------


def _groups(value: Any, spec: Spec | None, location: Location) -> Iterator[Problem]:
    """``exactly_one`` and ``at_least_one`` at every depth."""
    fields = spec.fields if isinstance(spec, OneOf) else spec
    if isinstance(fields, ListOf) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _groups(item, fields.of, (*location, index))
    elif isinstance(fields, ObjectOf) and isinstance(value, dict):
        yield from _group(value, fields, location)
        for name, of in {**fields.required, **fields.optional}.items():
            if name in value:
                yield from _groups(value[name], of, (*location, name))


def _group(value: dict[str, Any], fields: ObjectOf, location: Location) -> Iterator[Problem]:
    for names in fields.exactly_one:
        given = [name for name in names if name in value]
        if not given or (len(given) > 1 and not any(value[name] is UNKNOWN for name in given)):
            both = " and ".join(argument_of((*location, name)) for name in names)
            there = "are both: remove one" if given else "is neither"
            yield Problem(path_of(location), f"exactly one of {both} is needed, and there {there}")
    if fields.at_least_one and not any(name in value for name in fields.at_least_one):
        some = ", ".join(argument_of((*location, name)) for name in fields.at_least_one)
        yield Problem(path_of(location), f"{argument_of(location)} needs at least one of {some}")


def _trigger(data: Mapping[str, Any], root: Location) -> list[Problem]:
    events = data.get("events")
    listed = events if isinstance(events, list) else []
    problems = list(_repeated(listed, (*root, "events")))
    problems += _filter(data.get("filter"), listed, (*root, "filter"))
    for index, event in enumerate(listed):
        if isinstance(event, dict):
            problems += _filter(event.get("filter"), [event], (*root, "events", index, "filter"))
    return problems


def _repeated(events: list[Any], location: Location) -> Iterator[Problem]:
    """Our own rule: a set has no doubles, and the API says nothing of what two would mean."""
    for index, event in enumerate(events):
        if isinstance(event, (str, dict)) and not contains_unknown(event) and event in events[:index]:
            where = (*location, index)
            yield Problem(path_of(where), f"{argument_of(where)} is in the list already: remove one of the two")


def _filter(value: Any, events: list[Any], location: Location) -> Iterator[Problem]:
    if not isinstance(value, dict):
        return
    if "onError" in value and "expression" not in value:  # docs:manifest-reference/modules/trigger
        where = (*location, "onError")
        text = f"{argument_of(where)} is allowed only together with {argument_of((*location, 'expression'))}"
        yield Problem(path_of(where), text)
    if value.get("ignoreSelf") is True:
        # The validator of triggers in @forge/cli wants "jira" in the name of every event.
        names = [event.get("eventType") if isinstance(event, dict) else event for event in events]
        if any(isinstance(name, str) and _PRODUCT not in name for name in names):
            where = (*location, "ignoreSelf")
            text = f"{argument_of(where)} is allowed only where the name of every event contains {_PRODUCT!r}"
            yield Problem(path_of(where), text)
