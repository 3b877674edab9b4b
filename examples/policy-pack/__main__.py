"""The policy pack: the policies for Forge modules and their settings. The rules are in rules.py."""

from typing import Any

import rules
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)


def string_list(*default: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "default": list(default)}


def resource_policy(name: str, description: str, rule: rules.Rule, **settings: dict[str, Any]) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for message in rule(args.resource_type, args.props, args.get_config()):
            report(message, None)

    return ResourceValidationPolicy(name, description, validate, config_schema=PolicyConfigSchema(settings))


def stack_policy(name: str, description: str, rule: rules.StackRule, **settings: dict[str, Any]) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for message in rule([resource.resource_type for resource in args.resources], args.get_config()):
            report(message, None)

    return StackValidationPolicy(name, description, validate, config_schema=PolicyConfigSchema(settings))


PolicyPack(
    "atlassian-forge",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        resource_policy(
            "forge-viewed-events",
            "A trigger on view events has a filter.",
            rules.unfiltered_views,
            events=string_list("avi:*:viewed:*"),
        ),
        resource_policy(
            "forge-ignore-self",
            "A trigger on updates in Jira ignores updates by the app itself.",
            rules.self_triggering,
            events=string_list("avi:jira:updated:*", "avi:jira-software:updated:*"),
        ),
        resource_policy(
            "forge-targets",
            "A module calls only functions and endpoints that are allowed.",
            rules.disallowed_targets,
            functions=string_list("*"),
            endpoints=string_list("*"),
        ),
        stack_policy(
            "forge-module-count",
            "A stack has no more modules than the configured maximum.",
            rules.too_many_modules,
            maximum={"type": "integer", "minimum": 0, "default": 90},
        ),
    ],
)
