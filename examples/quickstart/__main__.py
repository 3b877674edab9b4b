"""Three triggers and a panel on the emulator. `make up` in the root of the repository runs this program."""

import pulumi

import pulumi_atlassian_forge as forge

# The smallest trigger: call an endpoint of the app whenever an issue changes.
changed = forge.TriggerModule(
    "issue-changed",
    events=["avi:jira:updated:issue"],
    endpoint="issue-hook",
)

# Only bugs, and no changes by the app itself. If the expression fails, deliver the event anyway.
bugs = forge.TriggerModule(
    "notify-on-bug",
    events=["avi:jira:created:issue", "avi:jira:updated:issue"],
    endpoint="bug-hook",
    filter=forge.TriggerFilter(
        expression="event.issue.fields?.issuetype.name == 'Bug'",
        on_error="RECEIVE_AND_LOG",
        ignore_self=True,
    ),
)

# A function of the app instead of an endpoint, and a product other than Jira.
pages = forge.TriggerModule(
    "page-published",
    events=["avi:confluence:created:page", "avi:confluence:updated:page"],
    function="index-page",
)

# Any other type of module, with the API's property names in its data.
panel = forge.DynamicModule(
    "risk-panel",
    type="jira:issuePanel",
    data={
        "title": "Risk",
        "icon": "https://example.com/risk.svg",
        "resource": "main",
        "render": "native",
    },
)

pulumi.export("modules", [module.id for module in (changed, bugs, pages, panel)])
