"""Forge and GitHub on this machine, for a try of the broker without an app and without a pipeline."""
