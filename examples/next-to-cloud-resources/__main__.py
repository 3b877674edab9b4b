"""A trigger beside resources of another provider: its filter is made from an output that is unknown until the first `up`.

A GitHub repository gets a label for security issues; the trigger tells the app of every Jira issue that carries the same label.
"""

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

# `apply` runs when the label's name is known; in a preview before that the filter shows as unknown, and is checked in `up`.
trigger = forge.TriggerModule(
    "security-issue",
    events=["avi:jira:created:issue", "avi:jira:updated:issue"],
    endpoint="security-hook",
    filter=security.name.apply(
        lambda label: forge.TriggerFilter(expression=f"event.issue.fields.labels.includes('{label}')", ignore_self=True)
    ),
)

pulumi.export("trigger", trigger.id)
