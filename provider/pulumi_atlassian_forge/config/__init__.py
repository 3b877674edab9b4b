"""The settings of an installation, which installations there are, and where each setting comes from."""
