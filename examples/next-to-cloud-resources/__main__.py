"""A trigger next to resources of another provider: its filter uses an output that is unknown until the first `up`.

A GitHub repository gets a label for security issues. The trigger notifies the app of every Jira issue with the same label.
"""

import json

import pulumi
import pulumi_github as github

import pulumi_atlassian_forge as forge

repository = github.Repository("service", description="The service that the team runs", has_issues=True)

security = github.IssueLabel(
    "security",
    repository=repository.name,
    name="security",
    color="b60205",
)

# `apply` runs when the label's name is known. In a preview before that the filter is unknown, and `up` validates it.
# `json.dumps` makes a text in quotes, with escapes: a name with a quote must not become part of the expression.
trigger = forge.TriggerModule(
    "security-issue",
    events=["avi:jira:created:issue", "avi:jira:updated:issue"],
    endpoint="security-hook",
    filter=security.name.apply(
        lambda label: forge.TriggerFilter(expression=f"event.issue.fields.labels.includes({json.dumps(label)})", ignore_self=True)
    ),
)

pulumi.export("trigger", trigger.id)
