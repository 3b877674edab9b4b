"""Typed arguments and attributes of a trigger: Python names here, API property names in state and in requests.

No ``from __future__ import annotations`` in this file: Pulumi evaluates annotations at run time to find the properties' names.
"""

from collections.abc import Sequence
from typing import Any, Literal

import pulumi

OnError = Literal["IGNORE_AND_LOG", "IGNORE", "RECEIVE_AND_LOG", "RECEIVE"]
"""What happens to an event whose filter expression fails."""


def _set(self: object, **values: Any) -> None:
    for name, value in values.items():
        if value is not None:
            pulumi.set(self, name, value)


@pulumi.input_type
class TriggerFilter:
    """Which of the events reach the app. At least one of ``expression``, ``ignore_self`` and ``app_is_licensed`` is needed."""

    expression: pulumi.Input[str] | None
    on_error: pulumi.Input[OnError] | None = pulumi.property("onError")
    ignore_self: pulumi.Input[bool] | None = pulumi.property("ignoreSelf")
    app_is_licensed: pulumi.Input[bool] | None = pulumi.property("appIsLicensed")

    def __init__(
        self,
        *,
        expression: pulumi.Input[str] | None = None,
        on_error: pulumi.Input[OnError] | None = None,
        ignore_self: pulumi.Input[bool] | None = None,
        app_is_licensed: pulumi.Input[bool] | None = None,
    ) -> None:
        """Make a filter.

        Args:
            expression: A Jira expression that evaluates to a Boolean; at most 10,000 characters.
            on_error: What to do with an event whose expression fails; only with ``expression``. The API's own default is
                ``IGNORE_AND_LOG``.
            ignore_self: Whether events that the app itself caused are left out; only if every event's name contains ``jira``.
            app_is_licensed: Whether only events of licensed installations are delivered.
        """
        _set(self, expression=expression, on_error=on_error, ignore_self=ignore_self, app_is_licensed=app_is_licensed)


@pulumi.input_type
class TriggerPayloadInclude:
    """Which parts of an event are delivered. At least one of the two is needed, each with at least one entry."""

    property_paths: pulumi.Input[Sequence[pulumi.Input[str]]] | None = pulumi.property("propertyPaths")
    fields: pulumi.Input[Sequence[pulumi.Input[str]]] | None

    def __init__(
        self,
        *,
        property_paths: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        fields: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
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

    include: pulumi.Input[TriggerPayloadInclude]

    def __init__(self, *, include: pulumi.Input[TriggerPayloadInclude]) -> None:
        """Make a payload.

        Args:
            include: The parts of the event.
        """
        _set(self, include=include)


class _ApiNames(dict[str, Any]):
    """An output type: a dictionary with API property names, and attributes with Python names."""

    def _translate_property(self, prop: str) -> str:
        return prop


@pulumi.output_type
class TriggerFilterResult(_ApiNames):
    """The filter of a registered trigger."""

    expression: str | None = None
    on_error: str | None = pulumi.property("onError", default=None)
    ignore_self: bool | None = pulumi.property("ignoreSelf", default=None)
    app_is_licensed: bool | None = pulumi.property("appIsLicensed", default=None)


@pulumi.output_type
class TriggerPayloadIncludeResult(_ApiNames):
    """The parts of an event that a registered trigger delivers."""

    property_paths: Sequence[str] | None = pulumi.property("propertyPaths", default=None)
    fields: Sequence[str] | None = None


@pulumi.output_type
class TriggerPayloadResult(_ApiNames):
    """The payload of a registered trigger."""

    include: TriggerPayloadIncludeResult | None = None
