"""`python examples/fleet up`: the folder is the project, this is its command."""

from fleet.command import main

if __name__ == "__main__":
    main()
