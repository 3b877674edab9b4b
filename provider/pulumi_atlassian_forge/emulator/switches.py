"""Former public path: an import names the new one."""

raise ImportError("Switches is now EmulatorOptions in pulumi_atlassian_forge.testing")
