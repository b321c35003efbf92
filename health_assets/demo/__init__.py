"""A simulated company with every source, to try the product without real data.

`lifecycles` simulates what happens to the accounts. Each other module derives the rows of one source system from them, `dirt`
adds the errors of real exports, and `company` writes the files.
"""

from health_assets.demo.company import PROFILES, write_company

__all__ = ["PROFILES", "write_company"]
