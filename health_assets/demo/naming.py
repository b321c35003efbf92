"""Keys and company names of the demo company."""

import numpy as np
import polars as pl

_FIRST = (
    "Alder",
    "Amber",
    "Arbor",
    "Aster",
    "Beacon",
    "Birch",
    "Bright",
    "Cedar",
    "Cobalt",
    "Copper",
    "Coral",
    "Delta",
    "Ember",
    "Falcon",
    "Fjord",
    "Golden",
    "Granite",
    "Harbor",
    "Hazel",
    "Indigo",
    "Iron",
    "Juniper",
    "Lark",
    "Linden",
    "Lunar",
    "Maple",
    "Marble",
    "Meadow",
    "Nimbus",
    "North",
    "Oak",
    "Onyx",
    "Opal",
    "Orchard",
    "Pine",
    "Quartz",
    "Raven",
    "River",
    "Sable",
    "Silver",
    "Solar",
    "Summit",
    "Tidal",
    "Timber",
    "Umber",
    "Vale",
    "Willow",
)
_SECOND = (
    "Analytics",
    "Dental",
    "Foods",
    "Freight",
    "Health",
    "Holdings",
    "Labs",
    "Learning",
    "Legal",
    "Logistics",
    "Manufacturing",
    "Media",
    "Motors",
    "Networks",
    "Outfitters",
    "Partners",
    "Pharma",
    "Press",
    "Properties",
    "Robotics",
    "Schools",
    "Software",
    "Studios",
    "Supply",
    "Systems",
    "Textiles",
    "Trading",
    "Travel",
    "Works",
)
_FORM = ("", " Inc", ", Inc.", " LLC", " Group", " GmbH", " & Co", " Ltd")


def keys(prefix: str, count: int, digits: int = 4) -> pl.Series:
    """`ACC-0001`, `ACC-0002`, ... `count` keys, with more digits where they are needed."""
    width = max(digits, len(str(count)))
    return pl.select(pl.lit(f"{prefix}-") + pl.int_range(1, count + 1).cast(pl.String).str.zfill(width)).to_series()


def account_keys(accounts: int) -> pl.Series:
    return keys("ACC", accounts)


def company_names(accounts: int, chance: np.random.Generator) -> list[str]:
    """Company names, distinct for the first ten thousand companies."""
    count = len(_FIRST) * len(_SECOND) * len(_FORM)
    picks = np.resize(chance.permutation(count), accounts)
    first, rest = np.divmod(picks, len(_SECOND) * len(_FORM))
    second, form = np.divmod(rest, len(_FORM))
    return [_FIRST[i] + " " + _SECOND[j] + _FORM[k] for i, j, k in zip(first, second, form, strict=True)]
