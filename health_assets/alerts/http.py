"""One HTTP request within a total time limit: no redirect is followed, and no error shows the address.

It says whether a request was sent before it failed, since only one that was not sent can be repeated without harm.
"""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

LONGEST_ANSWER = 1_000  # bytes


@dataclass(frozen=True)
class HttpAnswer:
    """What the other side said."""

    status: int
    body: str
    is_whole: bool  # false when the body did not end in time
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case


class NoAnswerError(Exception):
    """No status came; `is_sent` says whether the request went out."""

    def __init__(self, reason: str, *, is_sent: bool) -> None:
        super().__init__(reason)
        self.is_sent = is_sent


def answer_to(request: Request, seconds: float, longest: int = LONGEST_ANSWER) -> HttpAnswer:
    """Send a request once.

    Args:
        request: to http or https.
        seconds: from the connection to the end of the answer.
        longest: bytes of the answer that are read.

    Raises:
        NoAnswerError: no status came.
    """
    progress = _Progress()
    opener = build_opener(_NoRedirects, _Http(progress), _Https(progress))
    limit = threading.Timer(seconds, progress.end)
    limit.start()
    try:
        with opener.open(request, timeout=seconds) as answer:
            return _read(answer.status, answer, progress, longest)
    except HTTPError as refusal:
        with refusal:
            return _read(refusal.code, refusal, progress, longest)
    except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold the address
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        reason = f"no answer within {seconds:g} s" if progress.is_over else f"no connection ({type(cause).__name__})"
        raise NoAnswerError(reason, is_sent=progress.is_sent) from None
    finally:
        limit.cancel()


def is_answering(url: str, seconds: float) -> bool:
    """Whether anything answers, found out by a request that does nothing."""
    try:
        answer_to(Request(url, method="OPTIONS"), seconds)  # noqa: S310 - channels.check_address knows the scheme
    except NoAnswerError:
        return False
    return True


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long nothing is to be sent, said in seconds or by a date; None when it is not said."""
    said = headers.get("retry-after", "").strip()
    with suppress(ValueError, OverflowError):
        return timedelta(seconds=max(0.0, float(said)))
    with suppress(ValueError, TypeError):
        moment = parsedate_to_datetime(said)
        return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now, timedelta(0))
    return None


def _read(status: int, answer: Any, progress: "_Progress", longest: int) -> HttpAnswer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    body, is_whole = b"", True
    try:
        while len(body) < longest and (piece := answer.read1(longest)):
            body += piece
    except (OSError, ValueError, HTTPException):
        is_whole = False
    is_whole = is_whole and not progress.is_over and not (len(body) < longest and answer.length)
    return HttpAnswer(status, body[:longest].decode(errors="replace"), is_whole, headers)


class _NoRedirects(HTTPRedirectHandler):
    """A redirect is an answer like any other: the message and its secret URL go nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class _Progress:
    """How far a request is, and the socket that is shut when its time is up."""

    is_sent: bool = False
    is_over: bool = False
    sock: socket.socket | None = None

    def end(self) -> None:
        """The time is up: whoever waits for the socket gets an error."""
        self.is_over = True
        if self.sock:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # not that of TLS, which says goodbye first


class _Watched(HTTPConnection):
    """A connection that reports its progress."""

    progress: _Progress

    def connect(self) -> None:
        super().connect()
        self.progress.sock = self.sock

    def send(self, data: Any) -> None:
        if self.progress.is_over:
            raise TimeoutError
        super().send(data)

    def getresponse(self) -> HTTPResponse:
        self.progress.is_sent = True
        return super().getresponse()


class _WatchedSecurely(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Http(HTTPHandler):
    def __init__(self, progress: _Progress) -> None:
        super().__init__()
        self._class: Any = type("_Connection", (_Watched,), {"progress": progress})

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._class, req)


class _Https(HTTPSHandler):
    def __init__(self, progress: _Progress) -> None:
        super().__init__()
        self._class: Any = type("_Connection", (_WatchedSecurely,), {"progress": progress})

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._class, req, context=self._context)  # type: ignore[attr-defined]
