"""The app's manifest.yml: what it declares, and what is checked against it."""
