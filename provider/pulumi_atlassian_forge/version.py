"""The version of this package, from its own metadata."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("pulumi-atlassian-forge")
except PackageNotFoundError:  # run from a checkout that nobody installed
    __version__ = "0+unknown"
