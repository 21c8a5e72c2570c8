"""The version of this package, as it is told to who asks."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("release-qa")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0"
