"""``python -m pulumi_atlassian_forge``: the same as the command ``forge-modules``."""

from .cli import main

if __name__ == "__main__":
    main()
