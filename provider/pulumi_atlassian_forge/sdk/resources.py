"""The resources: :class:`TriggerModule` and :class:`DynamicModule`.

They validate nothing: arguments go to the plugin as they are, where ``check`` sees all of them at once. The program itself only
warns, for example of a misspelt event or of a token in clear text.

No ``from __future__ import annotations`` in this file: Pulumi evaluates the annotations of attributes at run time.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import pulumi
from pulumi.dynamic import Resource

from pulumi_atlassian_forge.dynamic import pulumi_values
from pulumi_atlassian_forge.model.content import TRIGGER_PROPERTIES
from pulumi_atlassian_forge.model.problems import camel
from pulumi_atlassian_forge.provider import PROVIDER

from . import preview_errors, secret_places, warnings
from .arguments import Text, TriggerFilter, TriggerFilterResult, TriggerPayload, TriggerPayloadResult
from .unsendable import reject_unsendable

Events = pulumi.Input[Sequence[pulumi.Input[str | Mapping[str, Any]]]]
"""The events of a trigger: a list, an output of a list, or a list that holds outputs. Each is a name, or an object with a filter.

Not ``EventName``: a type checker would print its 184 names in each error.
"""

if TYPE_CHECKING:
    LiveText = pulumi.Output[str]
    LiveReference = pulumi.Output[str | None]
    LiveEvents = pulumi.Output[Sequence[str | Mapping[str, Any]]]
    LiveFilter = pulumi.Output[TriggerFilterResult | None]
    LivePayload = pulumi.Output[TriggerPayloadResult | None]
    LiveData = pulumi.Output[Mapping[str, Any]]
else:
    # Pulumi raises for a live value of another kind than the annotated one: a `get` then never ends, and an `up` crashes. What is
    # live may be of any kind, so for Pulumi the annotations have none.
    LiveText = LiveReference = LiveEvents = LiveFilter = LivePayload = LiveData = pulumi.Output[Any]


@pulumi.input_type
class _Inputs(dict[str, Any]):
    """An input type without properties of its own.

    With a plain dictionary Pulumi's runtime renames keys inside of ``data`` as it renames attributes. With this type inputs keep
    their names, and outputs are named by the annotations of the resource class.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Copy the values: the runtime adds ``__provider``."""
        super().__init__(values)


def _output(resource: Resource, name: str) -> pulumi.Output[Any]:
    return pulumi.get(resource, name)  # type: ignore[no-any-return]


class _Module(Resource):
    """The base class of both resources.

    Outputs are properties, not annotated attributes: Pulumi evaluates the types of annotations for each resource.
    """

    @property
    @pulumi.getter
    def key(self) -> LiveText:
        """The module's key. Under v1 the declared one or the logical name; under v2 made by the server."""
        return _output(self, "key")

    @property
    @pulumi.getter
    def installation(self) -> LiveText:
        """The installation that the module is registered on."""
        return _output(self, "installation")

    @property
    @pulumi.getter(name="apiVersion")
    def api_version(self) -> LiveText:
        """The version of the API that the module is registered under: ``v1`` or ``v2``."""
        return _output(self, "api_version")

    def __init__(
        self,
        resource_name: str,
        properties: Mapping[str, Any],
        key: Text,
        installation: str | None,
        adopt: bool | str | None,
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        declared = {**properties, "key": key, "installation": installation, "adopt": adopt}
        reject_unsendable(resource_name, declared)
        announcement = warnings.Announcement(self, resource_name, declared, secrets=_secret_names(opts))
        inputs = {
            **properties,
            "key": key,
            "installation": installation,
            "api_version": None,  # an attribute exists only if its name is among the inputs
            "__name": [*_parents(opts), resource_name],
            **preview_errors.hidden_inputs(),
            **announcement.hidden_inputs(),
            **secret_places.hidden_inputs({**properties, "key": key}, opts),
        }
        if adopt:
            inputs["adopt"] = adopt
        super().__init__(PROVIDER, resource_name, _Inputs(pulumi_values.encode_hidden(inputs)), opts)
        announcement.log()
        preview_errors.report(self)

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - Pulumi's own word
        opts: pulumi.ResourceOptions | None = None,
    ) -> Self:
        """A module that is registered already. The stack reads it, and never changes or deletes it.

        If it does not exist, or is read as a ``TriggerModule`` and is no trigger, the preview or the ``up`` fails with a message.

        Args:
            resource_name: The logical name.
            id: ``<installation>/<apiVersion>/<key>``, for example ``default/v1/notify-on-bug``.
            opts: Pulumi's options.
        """
        # An attribute exists only if its name is among the inputs; read tells a trigger from other modules by ``data``.
        own = {"type": None, "data": {}} if issubclass(cls, DynamicModule) else dict.fromkeys(TRIGGER_PROPERTIES)
        inputs = {**own, "key": None, "installation": None, "api_version": None, "__name": [resource_name]}
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        found = cls.__new__(cls)
        Resource.__init__(found, PROVIDER, resource_name, _Inputs(pulumi_values.encode_hidden(inputs)), opts)
        return found


class TriggerModule(_Module, module="atlassian-forge", name="TriggerModule"):
    """A trigger: calls a function or an endpoint of the app when an event happens.

    Example:
        >>> forge.TriggerModule(
        ...     "notify-on-bug",
        ...     events=["avi:jira:updated:issue"],
        ...     endpoint="bug-hook",
        ...     filter=forge.TriggerFilter(expression="event.issue.fields?.issuetype.name == 'Bug'"),
        ... )
    """

    @property
    @pulumi.getter
    def events(self) -> LiveEvents:
        """The events that the trigger listens to."""
        return _output(self, "events")

    @property
    @pulumi.getter
    def function(self) -> LiveReference:
        """The key of the function that is called."""
        return _output(self, "function")

    @property
    @pulumi.getter
    def endpoint(self) -> LiveReference:
        """The key of the endpoint that is called."""
        return _output(self, "endpoint")

    @property
    @pulumi.getter
    def filter(self) -> LiveFilter:
        """Which of the events reach the app."""
        return _output(self, "filter").apply(TriggerFilterResult.of)

    @property
    @pulumi.getter
    def payload(self) -> LivePayload:
        """What of an event is delivered."""
        return _output(self, "payload").apply(TriggerPayloadResult.of)

    def __init__(  # noqa: PLR0913 - one parameter for each property of a trigger
        self,
        resource_name: str,
        *,
        events: Events,
        function: Text = None,
        endpoint: Text = None,
        filter: pulumi.Input[TriggerFilter | Mapping[str, Any] | None] | None = None,  # noqa: A002 - the API's own word
        payload: pulumi.Input[TriggerPayload | Mapping[str, Any] | None] | None = None,
        key: Text = None,
        installation: str | None = "default",
        adopt: bool | str | None = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a trigger.

        Args:
            resource_name: The logical name; under v1 also the module's key, unless ``key`` is given.
            events: The events to listen to, at least one. Unknown names are registered with a warning, because Atlassian adds
                events without notice. An event may also be an object with a filter of its own:
                ``{"eventType": "avi:jira:updated:issue", "filter": {"expression": "true"}}``.
            function: The key of a function in the app's manifest. Exactly one of ``function`` and ``endpoint``.
            endpoint: The key of an endpoint in the app's manifest.
            filter: Which of the events reach the app; a :class:`TriggerFilter`, or a dictionary with API property names.
            payload: What of an event is delivered; a :class:`TriggerPayload`, or a dictionary with API property names.
            key: The module's key, under v1 only: 1 to 255 of ``a-z A-Z 0-9 _ -``. Another key replaces the module.
            installation: The installation to register on, by its name in the settings.
            adopt: Adopt a module that is already registered: ``True`` under v1, where the key says which; its key under v2.
                Content that differs is overwritten with a warning. No effect once the resource is in the state.
            opts: Pulumi's options.
        """
        properties = {"events": events, "function": function, "endpoint": endpoint, "filter": filter, "payload": payload}
        super().__init__(resource_name, properties, key, installation, adopt, opts)

    @property
    def data(self) -> LiveData:
        """The module's ``data`` as the API has it, with API property names."""
        parts = pulumi.Output.all(**{name: _output(self, name) for name in TRIGGER_PROPERTIES})
        return parts.apply(lambda found: {name: value for name, value in found.items() if value is not None})


class DynamicModule(_Module, module="atlassian-forge", name="DynamicModule"):
    """A dynamic module of any type, with API property names in its data.

    Example:
        >>> forge.DynamicModule("panel", type="jira:issuePanel", data={"title": "Risk", "icon": "…", "resource": "main"})
    """

    @property
    @pulumi.getter
    def type(self) -> LiveText:
        """The module's type."""
        return _output(self, "type")

    @property
    @pulumi.getter
    def data(self) -> LiveData:
        """The module's structure, as the app's manifest would have it."""
        return _output(self, "data")

    def __init__(
        self,
        resource_name: str,
        *,
        type: pulumi.Input[str],  # noqa: A002 - the API's own word
        data: pulumi.Input[Mapping[str, pulumi.Input[Any]]],
        key: Text = None,
        installation: str | None = "default",
        adopt: bool | str | None = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a module.

        Args:
            resource_name: The logical name; under v1 also the module's key, unless ``key`` is given.
            type: The type, for example ``jira:issuePanel``. The 17 known ones are checked; any other is registered with a
                warning. Another type replaces the module.
            data: The module's structure with API property names, without ``key``.
            key: The module's key, under v1 only: 1 to 255 of ``a-z A-Z 0-9 _ -``. Another key replaces the module.
            installation: The installation to register on, by its name in the settings.
            adopt: Adopt a module that is already registered: ``True`` under v1, where the key says which; its key under v2.
                Content that differs is overwritten with a warning. No effect once the resource is in the state.
            opts: Pulumi's options.
        """
        super().__init__(resource_name, {"type": type, "data": data}, key, installation, adopt, opts)


def _secret_names(opts: pulumi.ResourceOptions | None) -> list[str]:
    """The properties that the program declares as secret by an option, not by a value."""
    return [] if opts is None else [camel(name) for name in opts.additional_secret_outputs or []]


def _parents(opts: pulumi.ResourceOptions | None) -> list[str | pulumi.Input[str]]:
    """The part of ``__name`` that differs for resources with one logical name in two components.

    It is taken from the parent's URN, which holds the types of all ancestors and with the parent's name is unique in a stack. The
    URN is awaited without its resource: a dependency on the parent would be one on itself.
    """
    return [] if opts is None or opts.parent is None else [_qualified_name(opts.parent)]


async def _qualified_name(parent: pulumi.Resource) -> str:
    urn = await parent.urn.future()
    # urn:pulumi:<stack>::<project>::<types>::<name>; a name may hold "::" itself.
    return urn.split("::", 2)[-1] if urn else parent.pulumi_resource_name
