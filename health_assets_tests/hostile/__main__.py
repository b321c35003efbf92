"""`python -m health_assets_tests.hostile`: see table.py."""

import sys

from health_assets_tests.hostile.table import main

if __name__ == "__main__":
    sys.exit(main())
