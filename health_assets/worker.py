"""A worker process that runs alongside and imports the heavy libraries: a function and its arguments in, a future out.

Imports that take seconds do not delay the run, since the worker has a core and an interpreter of its own. The process ends
when its pipe closes, so a killed run leaves none behind.
"""

import atexit
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

ANSWERS_WITHIN = 600.0  # seconds for one request, before it is killed: a run must not hang for ever
ENDS_WITHIN = 2.0  # seconds after the pipe is closed, before it is killed
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Worker:
    """The worker process and the pipe to it."""

    def __init__(self) -> None:
        self._queue = ThreadPoolExecutor(max_workers=1)
        self._is_busy = False
        served = f"from {__name__} import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", served],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd=Path(__file__).parents[1],  # the package is found there also where it is not installed
        )
        atexit.register(self.dismiss)

    def prepare(self, function: Callable[[], None]) -> None:
        """Call a function that imports what will be needed; nothing waits for it."""
        self._queue.submit(self._send, function, (), {}, is_answered=False)

    def submit(self, function: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs) -> Future[Answer]:
        """A future of what a module-level function returns; functions run one after the other, in order.

        Raises:
            RuntimeError: from the future: the function raised, or the process ended.
        """
        return self._queue.submit(self._answer, function, given, named)

    def _answer(self, function: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        limit = threading.Timer(
            ANSWERS_WITHIN, self._process.kill
        )  # also ends one that is stopped, or waits for memory
        limit.daemon = True
        limit.start()
        started = time.monotonic()
        try:
            self._send(function, given, named, is_answered=True)
            error, answer = pickle.load(self._process.stdout)  # type: ignore[arg-type]  # noqa: S301 - our own process wrote it
        except (OSError, EOFError):
            if time.monotonic() - started >= ANSWERS_WITHIN:
                raise RuntimeError(
                    f"the worker process did not answer within {ANSWERS_WITHIN:,.0f} s and was ended; was it stopped?"
                ) from None
            raise RuntimeError(f"the worker process ended (exit code {self._exit_code()}); is memory short?") from None
        finally:
            limit.cancel()
        self._is_busy = False
        if error:
            raise RuntimeError(f"{function.__module__}.{function.__qualname__} failed: {error}")
        return answer

    def _send(self, *message: Any, is_answered: bool) -> None:
        self._is_busy = True
        _send(self._process.stdin, (*message, is_answered))  # type: ignore[arg-type]

    def dismiss(self) -> None:
        """Close the pipe. An idle process ends with it; a busy one, whose result nothing waits for, is killed."""
        self._queue.shutdown(wait=False, cancel_futures=True)
        if self._is_busy:
            self._process.kill()
        if self._process.stdin:
            with suppress(OSError):  # it was killed; what it has not read is of no use
                self._process.stdin.close()
        self._exit_code()

    def _exit_code(self) -> int:
        """The exit code after the pipe was closed; a process that does not end in time is killed."""
        try:
            return self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


@cache
def shared_worker() -> Worker:
    """The worker of this run, started on first use."""
    return Worker()


def serve() -> None:
    """Serve requests until the pipe closes. What libraries print goes to stderr, since stdout is the pipe."""
    collect_less()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while True:
        try:
            function, given, named, is_answered = pickle.load(sys.stdin.buffer)  # noqa: S301 - the run wrote it
        except EOFError:
            sys.stderr.flush()
            os._exit(0)  # an end in order takes a second, and threads of libraries can block it
        error, answer = None, None
        try:
            answer = function(*given, **named)
        except Exception as raised:  # noqa: BLE001 - the run raises it
            error = f"{type(raised).__name__}: {raised}"
        if is_answered:
            _send(answers, (error, answer))


def collect_less() -> None:
    """The garbage collector runs after a hundred thousand new objects instead of 700: few cycles are left behind."""
    gc.set_threshold(100_000, 10, 10)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """For imports and definitions, which live as long as the process: the garbage collector never scans them."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _send(pipe: BinaryIO, message: Any) -> None:
    pickle.dump(message, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()
