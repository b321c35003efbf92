"""One colour and one symbol for each band and each risk level, wherever they are shown.

The colours differ in hue and in lightness, so that they stay apart for colour-blind readers and in grey print; the symbols
say the same without any colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from health_assets.scoring.scorecards import UNKNOWN, bands_in_use, low_bands
from health_assets.settings import Settings

GOOD = ("#1f5fa8", "#62a3d9", "#b5d4ee", "#d3e3f3")  # best first
LOW = ("#f0a63c", "#a3261d", "#6d1410")  # best first
NEUTRAL = "#9a9a9a"
RISK_LEVELS = ("low", "medium", "high", "critical", UNKNOWN)
GAIN, LOSS, TOTAL = "#1f5fa8", "#c2571a", "#6b7280"  # of a waterfall
LINES = ("#2f74bd", "#c2571a", "#2f8f83", "#8a5fa8", "#6b7280")  # of several lines in one chart


@dataclass(frozen=True)
class Mark:
    """How a word is shown."""

    colour: str
    symbol: str


def band_marks(settings: Settings) -> dict[str, Mark]:
    """The marks of the bands in use, best first, and of `unknown`."""
    low = set(low_bands(settings))
    bands = bands_in_use(settings)
    return _marks([band for band in bands if band not in low], [band for band in bands if band in low])


def risk_marks() -> dict[str, Mark]:
    """The marks of the risk levels, lowest risk first, and of `unknown`."""
    return _marks(("low", "medium"), ("high", "critical"))


def _marks(good: Sequence[str], low: Sequence[str]) -> dict[str, Mark]:
    best = {band: Mark(GOOD[min(place, len(GOOD) - 1)], "◐" if place else "●") for place, band in enumerate(good)}
    worst = {band: Mark(LOW[min(place, len(LOW) - 1)], "▲") for place, band in enumerate(low)}
    if low:
        worst[low[-1]] = Mark(worst[low[-1]].colour, "◆")
    return best | worst | {UNKNOWN: Mark(NEUTRAL, "○")}
