"""How files are named in tables and messages: never the whole path, and no URL with what may be secret in it."""

import re
from collections import Counter
from pathlib import Path

from health_assets.settings.answers import ANSWER

URL = re.compile(r"(\w+://)(?:[^/\s@'\"]*@)?([^\s?#'\"]*)(?:[?#][^\s'\"]*)?")
QUERY = re.compile(r"\?[^\s'\"()]*=[^\s'\"()]*")  # of a path without its scheme, as object stores name it


def labels(files: list[str]) -> dict[str, str]:
    """How files are named in tables: folder and name, with more folders only where that is the same for two."""
    depth = 2
    named = {file: label(file) for file in files}
    while len(set(named.values())) < len(named) and depth < 20:
        depth += 1
        named = {file: label(file) if is_remote(file) else "/".join(Path(file).parts[-depth:]) for file in files}
    seen = Counter[str]()
    for file, name in named.items():  # URLs that differ in their query alone
        seen[name] += 1
        named[file] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return named


def label(file: str) -> str:
    """The folder and name of a file, never the whole path; a URL without its query and user, which may be secret."""
    return without_secrets(file) if is_remote(file) else "/".join(Path(file).parts[-2:]).removesuffix(ANSWER)


def shown(file: str) -> str:
    """A file as messages name it; the answer of a query by what answered it."""
    return label(file) if file.endswith(ANSWER) or is_remote(file) else file


def without_secrets(text: str) -> str:
    """A text whose URLs have neither user and password nor query and fragment: there signatures and tokens are."""
    return QUERY.sub("", URL.sub(r"\1\2", text))


def is_remote(file: str) -> bool:
    """Whether a file is in an object store or at a URL."""
    return "://" in file
