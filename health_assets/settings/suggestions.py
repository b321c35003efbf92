"""What to say of a name that is not known: the one that was probably meant, else those that are."""

import difflib
import re
from collections.abc import Iterable

SHOWN = 20  # names that are listed where none is near
SURELY_MEANT = 0.9  # how alike a name must be to be taken for a misspelling, where any name may be right
CONTAINED = 3  # letters that a name must have to be looked for inside another


def did_you_mean(word: str, words: Iterable[str], otherwise: str = "use one of") -> str:
    """`; did you mean 'renewal_date'?`, else `; use one of ...`; blank where there is nothing to choose from."""
    known = list(words)
    if close := nearest(word, known):
        return f"; did you mean {close!r}?"
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return f"; {otherwise} {', '.join(known[:SHOWN])}{more}" if known else ""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known name that a misspelt one probably means: equal but for case and punctuation, similar, or one inside the other."""
    bare = {_bare(known): known for known in words}
    wanted = _bare(word)
    if wanted in bare:
        return bare[wanted]
    if close := difflib.get_close_matches(wanted, bare, n=1):
        return bare[close[0]]
    inside = [
        known for known in bare if min(len(known), len(wanted)) >= CONTAINED and (wanted in known or known in wanted)
    ]
    return bare[min(inside, key=lambda known: (abs(len(known) - len(wanted)), known))] if inside else None


def is_misspelt(word: str, words: Iterable[str]) -> bool:
    """Whether a name that need not be known is so like a known one that it was surely meant."""
    return bool(difflib.get_close_matches(word, words, n=1, cutoff=SURELY_MEANT))


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
