"""Former public path: an import names the new one."""

raise ImportError("FaultRule is now in pulumi_atlassian_forge.testing")
