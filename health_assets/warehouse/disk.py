"""A disk that is full or cannot be written: found before a run where possible, and otherwise put into words.

Databases report it in many ways ("disk I/O error", "unable to open database file"), so what the folders themselves say counts.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PROBE = 1 << 20  # bytes without which nothing can be written
FULL = r"no space left|disk is full|disk quota exceeded|disk full"
READ_ONLY = r"read-only file system|readonly database|permission denied|operation not permitted"
UNCLEAR = r"disk i/o error|unable to open database file|could not (write|fsync|truncate)"
FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT}
READ_ONLY_ERRORS = {errno.EROFS, errno.EACCES, errno.EPERM}
NO_LINKS = "has no symbolic links, which publishing needs; put `published` on another file system"


class DiskError(Exception):
    """A folder cannot be written; the message says which, why, and what to do."""


def check_writable(*files: Path) -> None:
    """Write a little next to each file, and take it away again.

    Raises:
        DiskError: a folder cannot be written, or its disk is full.
    """
    for folder in folders_of(files):
        try:
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(PROBE))
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            raise DiskError(_of_folder(folder) or _plain(error, folder)) from None


def check_links(published: Path) -> None:
    """The snapshot is published by a symbolic link.

    Raises:
        DiskError: the file system has none.
    """
    (folder,) = folders_of([published])
    link = folder / f".{published.name}.{os.getpid()}"
    try:
        link.symlink_to("nowhere")
    except OSError as error:
        if error.errno in FULL_ERRORS | READ_ONLY_ERRORS and (said := _of_folder(folder)):
            raise DiskError(said) from None
        raise DiskError(f"{folder}: {NO_LINKS}") from None
    link.unlink()


def trouble(error: BaseException, files: Iterable[Path] = ()) -> str | None:
    """What is wrong with the disk, if that is what an error is about; None if it is about something else."""
    said = " ".join(str(one).lower() for one in _chain(error))
    numbers = {one.errno for one in _chain(error) if isinstance(one, OSError)}
    is_full = bool(numbers & FULL_ERRORS or re.search(FULL, said))
    is_read_only = bool(numbers & READ_ONLY_ERRORS or re.search(READ_ONLY, said))
    if not (is_full or is_read_only or re.search(UNCLEAR, said)):
        return None
    found = next((found for folder in folders_of(files) if (found := _of_folder(folder))), None)
    if found:
        return found
    if is_full:
        return "the disk is full; free some space and run again (health-assets doctor shows how much is needed)"
    if is_read_only:
        return f"a file cannot be written ({_first_line(error)}); give this user write permission"
    return None


def folders_of(files: Iterable[Path]) -> list[Path]:
    """The folders that files are in, or will be in; each once."""
    return list(dict.fromkeys(next(one for one in file.parents if one.exists()) for file in files))


def _of_folder(folder: Path) -> str | None:
    usage = shutil.disk_usage(folder)
    if usage.total and usage.free < PROBE:  # a file system without files, such as /proc, has no size
        return (
            f"the disk is full: {usage.free / 1e6:.1f} MB free in {folder}; free some space and run again (health-assets doctor "
            "shows how much is needed)"
        )
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"{folder}: is on a disk that is mounted read-only; mount it for writing, or name another folder in the settings"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder}: cannot be written; give this user write permission"
    return None


def _plain(error: OSError, folder: Path) -> str:
    if error.errno in FULL_ERRORS:
        return f"the disk is full: {folder} has less than {PROBE / 1e6:.0f} MB left; free some space and run again"
    return f"{folder}: cannot be written ({error.strerror}); give this user write permission"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
