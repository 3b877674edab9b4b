"""The command doctor, one file for each area that it checks."""
