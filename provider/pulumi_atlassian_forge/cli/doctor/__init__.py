"""The command ``forge-modules doctor``: one file for each area that it checks."""
