"""What tests, benchmark and scripts share: a test server, a driver of the real CLI, and a driver of the plugin. Not shipped."""
