"""Validation of a declaration: every error and warning at once, offline, with unknown values anywhere.

Four kinds of rules: what JSON can carry (:mod:`.values`), what one property may hold (the table of
:mod:`.catalog.module_types`), what several properties must be together, and what the catalog of events knows. Atlassian adds
values, properties and events without notice, so the server is the judge of everything that is closed in the table: such a rule
has a code and is a warning (:class:`.problems.Problem`). What cannot be sent, what is missing, groups of properties and another
kind of value are errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .catalog.events import APP_EVENTS, EVENTS, similar_events
from .catalog.module_types import REFERENCE_MAX_LENGTH, TYPES
from .catalog.schema import Anything, Bool, Enum, ListOf, ObjectOf, OneOf, Spec, String
from .content import TRIGGER, is_typed, normalize
from .problems import (
    DUPLICATE_EVENT,
    LONG_REFERENCE,
    NOT_A_CHOICE,
    OTHER_FORM,
    OTHER_LENGTH,
    OTHER_PRODUCT,
    UNKNOWN_EVENT,
    UNKNOWN_PROPERTY,
    UNKNOWN_TYPE,
    Location,
    Problem,
    argument_of,
    path_of,
    problem_at,
    snake,
)
from .suggestions import nearest, same_parts
from .values import UNKNOWN, contains_unknown, json_problems, replace_unsendable

_COMMON: Final = frozenset({"key", "installation", "apiVersion", "adopt"})
_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,255}")
_PRODUCT: Final = "jira"
_PRODUCTS_OF_TYPES: Final = ("jira", "confluence")  # parts of a type that may be missing in the one that was meant
_EVENTS: Final = frozenset(EVENTS)

MAX_REFERENCE_LENGTH: Final = 23
"""Characters of a function's or endpoint's key: https://developer.atlassian.com/platform/forge/manifest-reference/endpoint/"""


def check_key(key: Any) -> str | None:
    """What is wrong with a module's key, or None. The characters are those of ``ModuleKeySchema`` in ``@forge/manifest``."""
    if key is UNKNOWN or (isinstance(key, str) and _KEY.fullmatch(key)):
        return None
    if not isinstance(key, str):
        return "key= must be a string"
    return "key= must be 1 to 255 of a-z A-Z 0-9 _ - (the length is our own limit)"


def check_content(props: Mapping[str, Any]) -> list[Problem]:
    """Every problem in the content of a declaration, sorted by path; ``key``, ``__*`` and the like are no content."""
    own = {name: value for name, value in props.items() if name not in _COMMON and not name.startswith("__")}
    problems = [problem for name, value in own.items() for problem in json_problems(value, name)]
    own = normalize({name: replace_unsendable(value) for name, value in own.items()})  # nothing below may walk too deep a value
    problems += _typed(own) if is_typed(own) else _raw(own)
    return sorted(problems, key=lambda problem: (problem.path, problem.text))


def data_problems(type_: str, data: dict[str, Any], root: Location = ("data",)) -> list[Problem]:
    """Every problem in the data of a module, which is at ``root`` in the declaration; none if the table lacks the type.

    The emulator uses it as well.
    """
    if type_ not in TYPES:
        return []
    problems = list(_spec_problems(data, TYPES[type_], root))
    return problems + (_trigger(data, root) if type_ == TRIGGER else [])


def _typed(props: dict[str, Any]) -> list[Problem]:
    return [*data_problems(TRIGGER, props, ()), *_catalog_problems(props, ())]


def _raw(props: dict[str, Any]) -> list[Problem]:
    beside = [name for name in props if name not in ("type", "data")]
    problems = [problem_at((name,), "is not an argument of DynamicModule: put it into data=") for name in beside]
    type_, data = props.get("type"), props.get("data")
    if type_ is not UNKNOWN and (not isinstance(type_, str) or not type_):
        problems.append(Problem("type", "type= must be a string that is not empty, for example 'jira:issuePanel'"))
    elif isinstance(type_, str) and type_ not in TYPES:
        similar = same_parts(type_, TYPES, optional=_PRODUCTS_OF_TYPES)
        text = "type= is not a known type of dynamic module, so its data is not checked"
        problems.append(Problem("type", text, code=UNKNOWN_TYPE, details=_details(type_, similar)))
    if data is UNKNOWN:
        return problems
    if not isinstance(data, dict):
        return [*problems, Problem("data", "data= must be a dictionary")]
    if not isinstance(type_, str):
        return problems
    content = {name: value for name, value in data.items() if name != "key"}
    problems += data_problems(type_, content)
    return problems + (list(_catalog_problems(content, ("data",))) if type_ == TRIGGER else [])


# --- what one property may hold ---------------------------------------------------------------------------------------------


def _spec_problems(value: Any, spec: Spec, location: Location) -> Iterator[Problem]:
    """What is wrong with a value and everything in it. An unknown value passes."""
    if value is UNKNOWN or isinstance(spec, Anything):
        return
    match spec:
        case OneOf() if isinstance(value, dict):
            yield from _spec_problems(value, spec.object, location)
        case OneOf():
            yield from _scalar_problems(value, spec.scalar, location, " or a dictionary", ", or a dictionary")
        case ListOf() if not isinstance(value, list):
            yield problem_at(location, "must be a list")
        case ListOf():
            if len(value) < spec.min_items:
                yield problem_at(location, "must have at least one entry")
            for index, item in enumerate(value):
                yield from _spec_problems(item, spec.item, (*location, index))
        case ObjectOf() if not isinstance(value, dict):
            yield problem_at(location, "must be a dictionary")
        case ObjectOf():
            yield from _object_problems(value, spec, location)
        case _:
            yield from _scalar_problems(value, spec, location)


def _scalar_problems(
    value: Any, spec: String | Enum | Bool, location: Location, or_kind: str = "", or_value: str = ""
) -> Iterator[Problem]:
    """The rule that a value breaks; the last two name the alternative beside the kind and beside the values."""
    match spec:
        case Bool():
            if not isinstance(value, bool):
                yield problem_at(location, "must be True or False")
        case Enum():
            if not isinstance(value, str) or value not in spec.values:
                code = NOT_A_CHOICE if isinstance(value, str) else ""
                yield problem_at(location, f"must be one of {', '.join(spec.values)}{or_value}", code)
        case String() if not isinstance(value, str):
            yield problem_at(location, f"must be a string{or_kind}")
        case String():
            yield from _string_problems(value, spec, location)


def _string_problems(value: str, spec: String, location: Location) -> Iterator[Problem]:
    if len(value) < spec.min_length:
        yield problem_at(location, "must not be empty", OTHER_LENGTH)
    elif spec.max_length is not None and len(value) > spec.max_length:
        yield problem_at(location, f"must have at most {spec.max_length:,} characters", OTHER_LENGTH)
    elif spec.pattern is not None and not re.fullmatch(spec.pattern, value):
        yield problem_at(location, f"must be {spec.form}", OTHER_FORM)


def _object_problems(value: dict[str, Any], spec: ObjectOf, location: Location) -> Iterator[Problem]:
    known = spec.properties
    yield from (problem_at((*location, name), "is required") for name in spec.required if name not in value)
    for name, item in value.items():
        if name in known:
            yield from _spec_problems(item, known[name], (*location, name))
        elif spec.closed:
            place = (*location, name)
            # What is no argument of TriggerModule has no place in the request; everything else is sent as it is.
            code = UNKNOWN_PROPERTY if location else ""
            yield Problem(path_of(place), _unknown_property(place, [*known]), place, code)
    yield from _group_problems(value, spec, location)


def _unknown_property(location: Location, known: list[str]) -> str:
    name = str(location[-1])
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"known here are {', '.join(known)}"
    if len(location) == 1:
        return f"{argument_of(location)} is not an argument of TriggerModule: {hint}"
    by_python_name = {snake(candidate): candidate for candidate in known}
    if name in by_python_name:
        hint = f"in a dictionary its name is {by_python_name[name]}"
    return f"{argument_of(location[:-1])} has no property {name}: {hint}"


# --- what several properties must be together ---------------------------------------------------------------------------------


def _group_problems(value: dict[str, Any], spec: ObjectOf, location: Location) -> Iterator[Problem]:
    for names in spec.exactly_one:
        given = [name for name in names if name in value]
        if not given or (len(given) > 1 and not any(value[name] is UNKNOWN for name in given)):
            both = " and ".join(argument_of((*location, name)) for name in names)
            there = "are both: remove one" if given else "is neither"
            yield Problem(path_of(location), f"exactly one of {both} is needed, and there {there}")
    # A property that the table does not know may be a new one of the group.
    if spec.at_least_one and not any(name in spec.at_least_one or name not in spec.properties for name in value):
        some = ", ".join(argument_of((*location, name)) for name in spec.at_least_one)
        yield problem_at(location, f"needs at least one of {some}")


def _trigger(data: Mapping[str, Any], root: Location) -> list[Problem]:
    events = _events(data)
    problems = list(_filter(data.get("filter"), events, (*root, "filter")))
    for index, event in enumerate(events):
        if isinstance(event, dict):
            problems += _filter(event.get("filter"), [event], (*root, "events", index, "filter"))
    return problems


def _filter(value: Any, events: list[Any], location: Location) -> Iterator[Problem]:
    if not isinstance(value, dict):
        return
    # https://developer.atlassian.com/platform/forge/manifest-reference/modules/trigger/
    if "onError" in value and "expression" not in value:
        yield problem_at((*location, "onError"), f"is allowed only together with {argument_of((*location, 'expression'))}")
    if value.get("ignoreSelf") is True:
        # The validator of triggers in @forge/cli wants "jira" in the name of every event; the vendor's reference has another.
        names = [_event_name(event) for event in events]
        if any(isinstance(name, str) and _PRODUCT not in name for name in names):
            rule = f"is documented only for events whose name contains {_PRODUCT!r}"
            yield problem_at((*location, "ignoreSelf"), rule, OTHER_PRODUCT)


def _events(data: Mapping[str, Any]) -> list[Any]:
    events = data.get("events")
    return events if isinstance(events, list) else []


def _event_name(event: Any) -> Any:
    return event.get("eventType") if isinstance(event, dict) else event


# --- what no server is known to refuse ----------------------------------------------------------------------------------------


def _catalog_problems(data: Mapping[str, Any], root: Location) -> Iterator[Problem]:
    """Events that the catalog does not have or that are there twice, and references that are long for a manifest."""
    events = _events(data)
    for index, event in enumerate(events):
        location = (*root, "events", index)
        name = _event_name(event)
        if isinstance(name, str) and name and name not in _EVENTS and not name.startswith(APP_EVENTS):
            text = f"{argument_of(location)} is not a known event"
            yield Problem(path_of(location), text, code=UNKNOWN_EVENT, details=_details(name, similar_events(name)))
        if isinstance(event, (str, dict)) and not contains_unknown(event) and event in events[:index]:
            yield problem_at(location, "is in the list already: remove one of the two", DUPLICATE_EVENT)
    for name in ("function", "endpoint"):
        key = data.get(name)
        if isinstance(key, str) and MAX_REFERENCE_LENGTH < len(key) <= REFERENCE_MAX_LENGTH:
            rule = (
                f"is longer than the {MAX_REFERENCE_LENGTH} characters that the documentation of the manifest allows: make sure "
                "that the app's manifest has it, or set atlassian-forge:manifest"
            )
            yield problem_at((*root, name), rule, LONG_REFERENCE)


def _details(name: str, similar: list[str]) -> str:
    meant = f"; did you mean {' or '.join(map(repr, similar))}?" if similar else ""
    return f"{name!r}{meant}"
