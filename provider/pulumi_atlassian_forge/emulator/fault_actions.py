"""Fault actions: one table from the name of an action to what it does to a request."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from .option_model import unknown
from .responses import EmulatorResponse, Refusal, message_of, phrase_of

_STATUS: Final = "<status>"
_ERROR: Final = re.compile(r"[45][0-9]{2}")
_NO_RESPONSE: Final = EmulatorResponse(0)  # of a request that is not carried out
_INVALID_JSON: Final = b'{"key":"\xff\xfe'
_OTHER_JSON: Final = b'{"status":"ok"}'
_REDIRECT_TARGET: Final = "https://elsewhere.invalid/"


@dataclass(frozen=True, slots=True)
class Details:
    """The parameters of an action."""

    status: int  # the status in its name; 0 if there is none
    headers: Mapping[str, str]  # further headers of an error
    seconds: float  # the delay of `hang`
    typed: bool  # whether an error has the form of the sibling API


@dataclass(frozen=True, slots=True)
class Action:
    """An action."""

    carried_out: bool  # whether the request is carried out
    about: str  # what the client sees
    change: Callable[[EmulatorResponse, Details], EmulatorResponse]  # from the original response, empty if not carried out


def _lost(response: EmulatorResponse, details: Details) -> EmulatorResponse:  # noqa: ARG001 - the form of every action
    return dataclasses.replace(response, arrives="never")


def _cut(response: EmulatorResponse, details: Details) -> EmulatorResponse:
    return dataclasses.replace(response, arrives="half") if response.body else _lost(response, details)


def _late(response: EmulatorResponse, details: Details) -> EmulatorResponse:
    return dataclasses.replace(response, delay_s=details.seconds)


def _error(response: EmulatorResponse, details: Details) -> EmulatorResponse:  # noqa: ARG001 - the form of every action
    return Refusal(details.status, message_of(details.status), details.headers).response(typed=details.typed)


def _page(response: EmulatorResponse, details: Details) -> EmulatorResponse:  # noqa: ARG001 - the form of every action
    page = f"<html><body><h1>{details.status} {phrase_of(details.status)}</h1></body></html>\n"
    return EmulatorResponse(details.status, {"content-type": "text/html", **details.headers}, page.encode())


def _redirect(response: EmulatorResponse, details: Details) -> EmulatorResponse:  # noqa: ARG001 - the form of every action
    return EmulatorResponse(HTTPStatus.FOUND, {"location": _REDIRECT_TARGET})


def _with_body(body: bytes) -> Callable[[EmulatorResponse, Details], EmulatorResponse]:
    def replace(response: EmulatorResponse, details: Details) -> EmulatorResponse:  # noqa: ARG001 - the form of every action
        if response.status == HTTPStatus.NO_CONTENT:  # has no body in HTTP
            return response
        return dataclasses.replace(response, headers={**response.headers, "content-type": "application/json"}, body=body)

    return replace


ACTIONS: Final[Mapping[str, Action]] = {
    "drop": Action(False, "the connection is closed without a response", _lost),
    _STATUS: Action(False, "an error, `400` to `599`, in the form of the API", _error),
    f"{_STATUS}-html": Action(False, "an error with a page of HTML, as gateways return it: `502-html`", _page),
    "lose": Action(True, "the connection is closed without a response", _lost),
    "cut": Action(True, "the connection is closed after half of the body; without a body, as `lose`", _cut),
    "garbage": Action(True, "the right status, with a body that cannot be read; a 204 has none", _with_body(_INVALID_JSON)),
    "wrong-body": Action(True, "the right status, with JSON of another kind; a 204 has none", _with_body(_OTHER_JSON)),
    f"late-{_STATUS}": Action(True, "an error, `400` to `599`: `late-504`", _error),
    "redirect": Action(True, f"302 to `{_REDIRECT_TARGET}`", _redirect),
    "hang": Action(True, "the right response, after `seconds`", _late),
}


def status_of(name: str) -> int:
    """The status in the name of an action; 0 if there is none."""
    match = _ERROR.search(name)
    return int(match[0]) if match else 0


def action_of(name: str) -> Action:
    """The action with a name; raises ValueError if there is none."""
    action = None if _STATUS in name else ACTIONS.get(_ERROR.sub(_STATUS, name, count=1))
    if action is None:
        raise ValueError(f"{unknown(name, 'an action', ACTIONS)}, where {_STATUS} is 400 to 599")
    return action


def perform(name: str, carry_out: Callable[[], EmulatorResponse], details: Details) -> EmulatorResponse:
    """Perform an action on a request."""
    action = action_of(name)
    return action.change(carry_out() if action.carried_out else _NO_RESPONSE, details)


def as_markdown() -> str:
    """The actions as a Markdown table."""
    lines = ["| action | the request is carried out | what the client sees |", "|---|---|---|"]
    lines += [f"| `{name}` | {'yes' if action.carried_out else 'no'} | {action.about} |" for name, action in ACTIONS.items()]
    return "\n".join(lines) + "\n"
