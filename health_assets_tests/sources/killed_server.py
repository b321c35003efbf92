"""A database server that dies in the middle of an answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

HEADER = 4  # bytes of a Parquet file before its first rows


@contextmanager
def killed_once_rows_arrive(folder: Path, kill: Callable[[], None], start: Callable[[], None]) -> Iterator[None]:
    """Inside the block the server is killed when the first rows of an answer are in a file of `folder`; then it is started again."""
    over, is_killed = Event(), Event()

    def watch() -> None:
        while not over.wait(0.02):
            if any(file.stat().st_size > HEADER for file in folder.glob("*.unfinished")):
                kill()
                is_killed.set()
                return

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        if is_killed.is_set():
            start()
