"""Configuration: the settings of one installation, which installations there are, and where each setting comes from."""
