"""What one process has open: the installations, their connections, and the verbs on plain values that a front end calls."""
