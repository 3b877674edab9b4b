"""Entry point of `python examples/fleet up`: the folder is the Pulumi project."""

from fleet.command import main

if __name__ == "__main__":
    main()
