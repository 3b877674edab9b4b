"""One Pulumi stack for each installation, in parallel, by Pulumi's Automation API."""
