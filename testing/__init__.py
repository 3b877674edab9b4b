"""Helpers of tests, benchmark and scripts: test server, drivers of the CLI and of the plugin, lifecycle harness. Not shipped."""
