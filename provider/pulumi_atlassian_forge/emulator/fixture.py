"""Former public path: an import names the new one."""

raise ImportError("the pytest plugin is now pulumi_atlassian_forge.testing")
