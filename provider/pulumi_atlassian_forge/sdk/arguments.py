"""Typed arguments and attributes of a trigger: Python names here, API property names in state and in requests.

No ``from __future__ import annotations`` in this file: Pulumi evaluates annotations at run time to find the properties' names.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi

_Documented = Literal["IGNORE_AND_LOG", "IGNORE", "RECEIVE_AND_LOG", "RECEIVE"]
OnError = _Documented | str
"""What happens to an event whose filter expression fails. Any string passes, because Atlassian adds values without notice."""

Text = pulumi.Input[str | None] | None
Flag = pulumi.Input[bool | None] | None
Texts = pulumi.Input[Sequence[pulumi.Input[str]] | None] | None


def _set(self: object, **values: Any) -> None:
    for name, value in values.items():
        if value is not None:
            pulumi.set(self, name, value)


@pulumi.input_type
class TriggerFilter:
    """Which of the events reach the app. At least one of ``expression``, ``ignore_self`` and ``app_is_licensed`` is needed."""

    expression: Text
    on_error: Text = pulumi.property("onError")
    ignore_self: Flag = pulumi.property("ignoreSelf")
    app_is_licensed: Flag = pulumi.property("appIsLicensed")

    def __init__(
        self,
        *,
        expression: Text = None,
        on_error: pulumi.Input[OnError | None] | None = None,
        ignore_self: Flag = None,
        app_is_licensed: Flag = None,
    ) -> None:
        """Make a filter.

        Args:
            expression: A Jira expression that evaluates to a Boolean; at most 10,000 characters.
            on_error: What to do with an event whose expression fails; only with ``expression``. The API's own default is
                ``IGNORE_AND_LOG``; a value beyond the documented ones is sent with a warning.
            ignore_self: Whether events that the app itself caused are left out; documented for events with ``jira`` in the name.
            app_is_licensed: Whether only events of licensed installations are delivered.
        """
        _set(self, expression=expression, on_error=on_error, ignore_self=ignore_self, app_is_licensed=app_is_licensed)


@pulumi.input_type
class TriggerPayloadInclude:
    """Which parts of an event are delivered. At least one of the two is needed, each with at least one entry."""

    property_paths: Texts = pulumi.property("propertyPaths")
    fields: Texts

    def __init__(
        self,
        *,
        property_paths: Texts = None,
        fields: Texts = None,
    ) -> None:
        """Make a selection.

        Args:
            property_paths: Paths into the event.
            fields: Fields of the event; in the schema of ``@forge/manifest`` only, not in the documentation.
        """
        _set(self, property_paths=property_paths, fields=fields)


@pulumi.input_type
class TriggerPayload:
    """What of an event is delivered."""

    include: pulumi.Input[Any]

    def __init__(self, *, include: pulumi.Input[TriggerPayloadInclude | Mapping[str, Any]]) -> None:
        """Make a payload.

        Args:
            include: The parts of the event.
        """
        _set(self, include=include)


class _ApiNames(dict[str, Any]):
    """A live value as the API has it, with API property names, and attributes with Python names."""

    @classmethod
    def of(cls, value: Any) -> Any:
        """An object as this class; a live value of any other kind as it is."""
        return cls(value) if isinstance(value, dict) else value


class TriggerFilterResult(_ApiNames):
    """The filter of a registered trigger."""

    @property
    def expression(self) -> str | None:
        """The Jira expression."""
        return self.get("expression")

    @property
    def on_error(self) -> str | None:
        """What happens to an event whose expression fails."""
        return self.get("onError")

    @property
    def ignore_self(self) -> bool | None:
        """Whether events that the app itself caused are left out."""
        return self.get("ignoreSelf")

    @property
    def app_is_licensed(self) -> bool | None:
        """Whether only events of licensed installations are delivered."""
        return self.get("appIsLicensed")


class TriggerPayloadIncludeResult(_ApiNames):
    """The parts of an event that a registered trigger delivers."""

    @property
    def property_paths(self) -> Sequence[str] | None:
        """Paths into the event."""
        return self.get("propertyPaths")

    @property
    def fields(self) -> Sequence[str] | None:
        """Fields of the event."""
        return self.get("fields")


class TriggerPayloadResult(_ApiNames):
    """The payload of a registered trigger."""

    @property
    def include(self) -> TriggerPayloadIncludeResult | None:
        """The parts of the event."""
        return TriggerPayloadIncludeResult.of(self.get("include"))  # type: ignore[no-any-return]
