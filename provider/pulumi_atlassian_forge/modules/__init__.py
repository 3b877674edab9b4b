"""What the app's manifest declares, and what is checked against it."""
