"""`python -m qa.cli`: the command line where `qa` is not installed."""

import sys

from qa.cli import main

if __name__ == "__main__":
    sys.exit(main())
