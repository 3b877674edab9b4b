"""Three triggers and a panel, on the emulator: `make up` from the root of the repository runs this program."""

import pulumi

import pulumi_atlassian_forge as forge

# The smallest trigger: call an endpoint of the app whenever an issue changes.
changed = forge.TriggerModule(
    "issue-changed",
    events=["avi:jira:updated:issue"],
    endpoint="issue-hook",
)

# Only bugs, and not what the app itself changed; if the expression fails, deliver the event all the same.
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

# A function of the app in place of an endpoint, and a product other than Jira.
pages = forge.TriggerModule(
    "page-published",
    events=["avi:confluence:created:page", "avi:confluence:updated:page"],
    function="index-page",
)

# Any other type of module, with its data in the API's spelling.
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
