"""The program of each stack, an ordinary Pulumi program. `default` is the installation of the stack that runs it."""

import pulumi

import pulumi_atlassian_forge as forge

EUROPEAN = pulumi.get_stack().endswith("-eu")

changed = forge.TriggerModule(
    "issue-changed",
    events=["avi:jira:created:issue", "avi:jira:updated:issue"],
    endpoint="issue-hook",
    filter=forge.TriggerFilter(ignore_self=True),
)
modules = [changed]

# The stack has the name of its installation: use it where installations differ.
if EUROPEAN:
    pages = forge.TriggerModule("page-published", events=["avi:confluence:created:page"], endpoint="page-hook")
    modules.append(pages)

pulumi.export("modules", [module.id for module in modules])
