"""Policies for Forge modules, and what each can be configured with. What they say is in rules.py."""

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


def texts(*default: str) -> dict[str, Any]:
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
            "A trigger listens to views only through a filter.",
            rules.unfiltered,
            events=texts("avi:*:viewed:*"),
        ),
        resource_policy(
            "forge-ignore-self",
            "A trigger on updates in Jira ignores those of the app itself.",
            rules.calls_itself,
            events=texts("avi:jira:updated:*", "avi:jira-software:updated:*"),
        ),
        resource_policy(
            "forge-targets",
            "A module calls only functions and endpoints that are allowed.",
            rules.forbidden_target,
            functions=texts("*"),
            endpoints=texts("*"),
        ),
        stack_policy(
            "forge-module-count",
            "A stack has no more modules than its installation has room for.",
            rules.too_many,
            maximum={"type": "integer", "minimum": 0, "default": 90},
        ),
    ],
)
