"""Which known events only one of the two sources names."""

from __future__ import annotations

from typing import Final

DOCUMENTATION_ONLY: Final[frozenset[str]] = frozenset(
    {
        "avi:bitbucket:created:build-status",
        "avi:bitbucket:created:commit-comment",
        "avi:bitbucket:reopened:pullrequest-comment",
        "avi:bitbucket:resolved:pullrequest-comment",
        "avi:bitbucket:updated:build-status",
        "avi:confluence:added:label",
        "avi:confluence:copied:database",
        "avi:confluence:copied:embed",
        "avi:confluence:copied:folder",
        "avi:confluence:copied:whiteboard",
        "avi:confluence:created:database",
        "avi:confluence:created:embed",
        "avi:confluence:created:folder",
        "avi:confluence:created:label",
        "avi:confluence:created:whiteboard",
        "avi:confluence:deleted:label",
        "avi:confluence:initialized:page",
        "avi:confluence:moved:database",
        "avi:confluence:moved:embed",
        "avi:confluence:moved:folder",
        "avi:confluence:moved:whiteboard",
        "avi:confluence:performed:search",
        "avi:confluence:permissions_updated:space:V2",
        "avi:confluence:published:page",
        "avi:confluence:removed:label",
        "avi:ecosystem.app_policy:blocked:app_access_to_objects.v2",
        "avi:ecosystem.app_policy:blocked:app_access_to_objects_in_container.v2",
        "avi:forge:installed:app",
        "avi:forge:upgraded:app",
    }
)
"""Named by the documentation, not by the scope mapping."""

MAPPING_ONLY: Final[frozenset[str]] = frozenset(
    {
        "avi:confluence:permissions_updated:attachment",
        "avi:confluence:permissions_updated:comment",
        "avi:confluence:permissions_updated:embed",
        "avi:jira:deleted:issue-property",
        "avi:jira:set:issue-property",
        "avi:jsm-entity:created:portal",
        "avi:jsm-entity:created:request-type-group",
        "avi:jsm-entity:created:service-desk",
        "avi:jsm-entity:deleted:request-type-group",
        "avi:jsm-entity:deleted:service-desk",
        "avi:jsm-entity:updated:portal",
        "avi:jsm-entity:updated:request-type-group",
        "avi:jsm-entity:updated:service-desk",
    }
)
"""Named by the scope mapping, not by the documentation."""
