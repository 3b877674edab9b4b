"""The app's ``manifest.yml``: reading it, and checking modules against it."""
