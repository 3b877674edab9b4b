"""A token broker: keeps the newest system token of each installation of a Forge app, and hands it to CI."""
