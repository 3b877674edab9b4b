"""What a fault does to a request: one table from an action's name to its behaviour."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from .option_text import unknown
from .responses import EmulatorAnswer, Refusal, message_of, phrase_of

_STATUS: Final = "<status>"
_ERROR: Final = re.compile(r"[45][0-9]{2}")
_NOTHING: Final = EmulatorAnswer(0)  # of a request that is not carried out
_OFF_JSON: Final = b'{"key":"\xff\xfe'
_OTHER_JSON: Final = b'{"status":"ok"}'
_ELSEWHERE: Final = "https://elsewhere.invalid/"


@dataclass(frozen=True, slots=True)
class Details:
    """What an action may want to know.

    Attributes:
        status: The status in its name; 0 where there is none.
        headers: Further headers of an error.
        seconds: How long the response of ``hang`` takes.
        typed: Whether an error has the form of the sibling API.
    """

    status: int
    headers: Mapping[str, str]
    seconds: float
    typed: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What a fault does.

    Attributes:
        carried_out: Whether the request is carried out.
        about: What the client sees.
        response: Makes what the client sees out of the response, which says nothing where the request is not carried out.
    """

    carried_out: bool
    about: str
    response: Callable[[EmulatorAnswer, Details], EmulatorAnswer]


def _lost(response: EmulatorAnswer, details: Details) -> EmulatorAnswer:  # noqa: ARG001 - the form of every action
    return dataclasses.replace(response, arrives="never")


def _cut(response: EmulatorAnswer, details: Details) -> EmulatorAnswer:
    return dataclasses.replace(response, arrives="half") if response.body else _lost(response, details)


def _late(response: EmulatorAnswer, details: Details) -> EmulatorAnswer:
    return dataclasses.replace(response, after=details.seconds)


def _error(response: EmulatorAnswer, details: Details) -> EmulatorAnswer:  # noqa: ARG001 - the form of every action
    return Refusal(details.status, message_of(details.status), details.headers).response(typed=details.typed)


def _page(response: EmulatorAnswer, details: Details) -> EmulatorAnswer:  # noqa: ARG001 - the form of every action
    page = f"<html><body><h1>{details.status} {phrase_of(details.status)}</h1></body></html>\n"
    return EmulatorAnswer(details.status, {"content-type": "text/html", **details.headers}, page.encode())


def _redirect(response: EmulatorAnswer, details: Details) -> EmulatorAnswer:  # noqa: ARG001 - the form of every action
    return EmulatorAnswer(HTTPStatus.FOUND, {"location": _ELSEWHERE})


def _carrying(body: bytes) -> Callable[[EmulatorAnswer, Details], EmulatorAnswer]:
    def carry(response: EmulatorAnswer, details: Details) -> EmulatorAnswer:  # noqa: ARG001 - the form of every action
        if response.status == HTTPStatus.NO_CONTENT:  # HTTP has no place for its body
            return response
        return dataclasses.replace(response, headers={**response.headers, "content-type": "application/json"}, body=body)

    return carry


ACTIONS: Final[Mapping[str, Action]] = {
    "drop": Action(False, "the connection is closed without a response", _lost),
    _STATUS: Action(False, "an error, `400` to `599`, as the API would put it", _error),
    f"{_STATUS}-html": Action(False, "an error with a page of HTML, as a gateway has them: `502-html`", _page),
    "lose": Action(True, "the connection is closed without a response", _lost),
    "cut": Action(True, "the connection is closed after half of the body; without a body, as `lose`", _cut),
    "garbage": Action(True, "the right status, with a body that cannot be read; a 204 has none", _carrying(_OFF_JSON)),
    "wrong-body": Action(True, "the right status, with JSON that is something else; a 204 has none", _carrying(_OTHER_JSON)),
    f"late-{_STATUS}": Action(True, "an error, `400` to `599`: `late-504`", _error),
    "redirect": Action(True, f"302 to `{_ELSEWHERE}`", _redirect),
    "hang": Action(True, "the right response, after `seconds`", _late),
}


def status_of(name: str) -> int:
    """The status in an action's name; 0 where there is none."""
    match = _ERROR.search(name)
    return int(match[0]) if match else 0


def action_of(name: str) -> Action:
    """The action of a name.

    Raises:
        ValueError: There is none.
    """
    action = None if _STATUS in name else ACTIONS.get(_ERROR.sub(_STATUS, name, count=1))
    if action is None:
        raise ValueError(f"{unknown(name, 'an action', ACTIONS)}, where {_STATUS} is 400 to 599")
    return action


def perform(name: str, carry_out: Callable[[], EmulatorAnswer], details: Details) -> EmulatorAnswer:
    """Do to a request what an action says.

    Args:
        name: The action's name.
        carry_out: Carries the request out and returns its response.
        details: What the action may want to know.
    """
    action = action_of(name)
    return action.response(carry_out() if action.carried_out else _NOTHING, details)


def as_markdown() -> str:
    """The actions as a Markdown table."""
    lines = ["| action | the request is carried out | what the client sees |", "|---|---|---|"]
    lines += [f"| `{name}` | {'yes' if action.carried_out else 'no'} | {action.about} |" for name, action in ACTIONS.items()]
    return "\n".join(lines) + "\n"
