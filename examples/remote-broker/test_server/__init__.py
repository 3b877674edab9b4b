"""A fake Forge and a fake GitHub, to try the broker on one machine without an app and without a pipeline."""
