"""Runs one Pulumi stack for each installation in parallel, with Pulumi's Automation API."""
