"""Declarations that must fail in a strict preview: the arguments, the property that is named, words of the message.

Each row is the source of the arguments in a Pulumi program; ``{depth}`` and the like are filled in by nothing: they are Python.
"""

from __future__ import annotations

from dataclasses import dataclass

T = "TriggerModule"
D = "DynamicModule"
OK_EVENTS = 'events=["avi:jira:updated:issue"]'
OK = f'{OK_EVENTS}, endpoint="hook"'
ACTION = '"title": "Risk", "resource": "main"'


@dataclass(frozen=True)
class Bad:
    name: str
    resource: str
    arguments: str
    property: str
    words: str
    key: str | None = None

    def source(self, logical: str) -> str:
        return f"forge.{self.resource}({logical!r}, {self.arguments})"


def _filter(text: str) -> str:
    return f"{OK}, filter={text}"


def _data(text: str, kind: str = "jira:issueAction") -> str:
    return f'type="{kind}", data={text}'


ROWS = [
    # references
    Bad("neither-reference", T, OK_EVENTS, "", "function"),
    Bad("both-references", T, f'{OK_EVENTS}, function="f", endpoint="e"', "", "endpoint"),
    Bad("empty-function", T, f'{OK_EVENTS}, function=""', "function", "function"),
    Bad("function-with-a-space", T, f'{OK_EVENTS}, function="a b"', "function", "function"),
    Bad("endpoint-with-a-slash", T, f'{OK_EVENTS}, endpoint="a/b"', "endpoint", "endpoint"),
    Bad("endpoint-of-256", T, f'{OK_EVENTS}, endpoint="e" * 256', "endpoint", "255"),
    Bad("function-is-a-number", T, f"{OK_EVENTS}, function=7", "function", "function"),
    Bad("function-is-a-list", T, f'{OK_EVENTS}, function=["f"]', "function", "function"),
    # events
    Bad("no-events", T, 'events=[], endpoint="hook"', "events", "events"),
    Bad("events-is-a-string", T, 'events="avi:jira:updated:issue", endpoint="hook"', "events", "events"),
    Bad("events-is-none", T, 'events=None, endpoint="hook"', "events", "events"),
    Bad("an-empty-event", T, 'events=[""], endpoint="hook"', "events[0]", "event"),
    Bad("a-number-for-an-event", T, 'events=["avi:jira:updated:issue", 3], endpoint="hook"', "events[1]", "event"),
    Bad("a-repeated-event", T, 'events=["avi:jira:updated:issue"] * 2, endpoint="hook"', "events[1]", "already"),
    Bad("an-object-without-an-event", T, 'events=[{"filter": {}}], endpoint="hook"', "events[0].eventType", "event"),
    # filter
    Bad("an-empty-filter", T, _filter("{}"), "filter", "expression"),
    Bad("on-error-alone", T, _filter('forge.TriggerFilter(on_error="IGNORE")'), "filter.onError", "expression"),
    Bad("unknown-on-error", T, _filter('{"expression": "x", "onError": "PANIC"}'), "filter.onError", "RECEIVE_AND_LOG"),
    Bad(
        "ignore-self-on-confluence",
        T,
        'events=["avi:confluence:created:page"], endpoint="hook", filter=forge.TriggerFilter(ignore_self=True)',
        "filter.ignoreSelf",
        "jira",
    ),
    Bad("an-expression-of-10001", T, _filter('forge.TriggerFilter(expression="x" * 10_001)'), "filter.expression", "10,000"),
    Bad("an-empty-expression", T, _filter('forge.TriggerFilter(expression="")'), "filter.expression", "expression"),
    Bad("ignore-self-is-a-string", T, _filter('{"ignoreSelf": "true"}'), "filter.ignoreSelf", "ignore_self"),
    Bad("app-is-licensed-is-a-number", T, _filter('{"appIsLicensed": 1}'), "filter.appIsLicensed", "app_is_licensed"),
    Bad("python-spelling-in-a-dictionary", T, _filter('{"expression": "x", "on_error": "IGNORE"}'), "filter.on_error", "onError"),
    Bad("an-unknown-filter-property", T, _filter('{"expression": "x", "expresion": "y"}'), "filter.expresion", "expression"),
    Bad("filter-is-a-string", T, _filter('"event.issue"'), "filter", "filter"),
    # payload
    Bad("an-empty-payload", T, f"{OK}, payload={{}}", "payload.include", "include"),
    Bad("an-empty-include", T, f'{OK}, payload={{"include": {{}}}}', "payload.include", "property_paths"),
    Bad(
        "empty-property-paths",
        T,
        f'{OK}, payload={{"include": {{"propertyPaths": []}}}}',
        "payload.include.propertyPaths",
        "property_paths",
    ),
    Bad("an-empty-field", T, f'{OK}, payload={{"include": {{"fields": [""]}}}}', "payload.include.fields[0]", "fields"),
    # keys
    Bad("a-key-with-a-space", T, f'{OK}, key="my key"', "key", "a-z"),
    Bad("a-key-with-a-slash", T, f'{OK}, key="a/b"', "key", "a-z"),
    Bad("an-empty-key", T, f'{OK}, key=""', "key", "key"),
    Bad("a-key-of-256", T, f'{OK}, key="k" * 256', "key", "255"),
    Bad("a-key-with-a-letter-beyond-ascii", T, f'{OK}, key="schlüssel"', "key", "a-z"),
    # other types
    Bad("an-empty-type", D, _data("{}", ""), "type", "type"),
    Bad("type-is-a-number", D, "type=3, data={}", "type", "type"),
    Bad("data-is-a-list", D, "type='jira:issueAction', data=[1]", "data", "data"),
    Bad("no-title", D, _data('{"resource": "main"}'), "data.title", "title"),
    Bad("no-icon-on-a-panel", D, _data(f"{{{ACTION}}}", "jira:issuePanel"), "data.icon", "icon"),
    Bad("neither-resource-nor-function", D, _data('{"title": "Risk"}'), "data", "resource"),
    Bad("both-resource-and-function", D, _data(f'{{{ACTION}, "function": "f"}}'), "data", "function"),
    Bad("an-unknown-viewport-size", D, _data(f'{{{ACTION}, "viewportSize": "enormous"}}'), "data.viewportSize", "small"),
    Bad("a-title-of-256", D, _data('{"title": "t" * 256, "resource": "main"}'), "data.title", "255"),
    Bad("a-number-for-a-title", D, _data('{"title": 5, "resource": "main"}'), "data.title", "title"),
    Bad("not-a-number", D, _data('{"x": float("nan")}', "acme:thing"), "data.x", "number"),
    Bad("infinity", D, _data('{"x": [float("inf")]}', "acme:thing"), "data.x[0]", "number"),
    Bad("an-integer-too-large", D, _data('{"x": 2**60}', "acme:thing"), "data.x", "2**53"),
    Bad(
        "data-25-deep",
        D,
        'type="acme:thing", data={"x": __import__("functools").reduce(lambda v, _: [v], range(25), 1)}',
        "data",
        "deep",
    ),
    Bad("a-untyped-trigger-without-events", D, 'type="trigger", data={"function": "f"}', "data.events", "events"),
    Bad(
        "a-untyped-trigger-with-an-extra",
        D,
        'type="trigger", data={"events": ["avi:jira:updated:issue"], "function": "f", "unlicensedAccess": True}',
        "data.unlicensedAccess",
        "unlicensedAccess",
    ),
    # installations
    Bad("an-unknown-installation", T, f'{OK}, installation="acme"', "installation", "default"),
    Bad("an-installation-that-is-an-output", T, f"{OK}, installation=pulumi.Output.from_input(3)", "installation", "plain"),
]
