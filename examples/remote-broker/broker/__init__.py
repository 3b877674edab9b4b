"""A token broker: stores the newest system token of each installation of a Forge app, and issues it to CI."""
