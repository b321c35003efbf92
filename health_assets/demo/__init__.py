"""A simulated company with all eighteen sources, to try everything without anyone's data.

`lifecycles` simulates what happens to the accounts; each other module reads the rows of one source system off these lifecycles;
`dirt` adds what a real export has; `company` writes the files. No numbers of the product's configuration stand here.
"""

from health_assets.demo.company import PROFILES, write_company

__all__ = ["PROFILES", "write_company"]
