"""Requests to the API of a vendor: retries, pages, and errors that name the variable of a token and never its value.

dlt sends and repeats the requests and follows the pages; here an API that misbehaves becomes one clear error.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import PageData

INSTALL = "pip install 'health-assets[connectors]'"
ATTEMPTS = 6  # of a request that is answered by 429 or 5xx, or not at all
BACKOFF_SECONDS = 1.0  # before the second attempt, doubled before each further one
LONGEST_WAIT_SECONDS = 300.0  # before the next attempt, also where Retry-After asks for more
TIMEOUT_SECONDS = 60.0
MESSAGES = ("message", "description", "error_description", "detail", "error")  # where APIs say what is wrong
MESSAGE_CHARACTERS = 200
EMPTY_PAGES = 100  # one after the other: an API that gives as many will never end

NOT_FOUND, FORBIDDEN, BAD_REQUEST = 404, 403, 400

Record = dict[str, Any]


class PullError(Exception):
    """Records cannot be pulled; the message says why and what to do, without any secret."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status  # that the API answered, 0 where it is something else


@dataclass(frozen=True)
class Page:
    """Records of one answer, and the answer."""

    records: list[Record]
    body: Record


@dataclass
class Api:
    """The API of a vendor."""

    vendor: str
    url: str
    auth: Any
    variables: list[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    server_time: datetime | None = None  # as the latest answer says

    def __post_init__(self) -> None:
        """Make the client; nothing of it is taken from dlt's configuration files, and nothing is reported to its makers."""
        from dlt.common.configuration.specs import RuntimeConfiguration
        from dlt.sources.helpers.requests.retry import Client
        from dlt.sources.helpers.rest_client.client import RESTClient

        settings = RuntimeConfiguration(dlthub_telemetry=False)
        client = Client(
            request_timeout=TIMEOUT_SECONDS,
            raise_for_status=False,
            request_max_attempts=ATTEMPTS,
            request_backoff_factor=BACKOFF_SECONDS,
            request_max_retry_delay=LONGEST_WAIT_SECONDS,
        )
        self._client = RESTClient(
            self.url, headers=dict(self.headers), auth=self.auth, session=client.session, config=settings
        )

    def one(self, path: str, **arguments: Any) -> Record | None:
        """The answer to one request; None where there is no such record (404).

        Raises:
            PullError: the request was refused or failed.
        """
        try:
            body: Record = self._answered(path, lambda: self._sent(path, arguments))
        except PullError as error:
            if error.status != NOT_FOUND:
                raise
            return None
        return body

    def pages(self, path: str, paginator: Any, select: str, **arguments: Any) -> Iterator[Page]:
        """The pages of an answer.

        Args:
            path: of the endpoint.
            paginator: of dlt; how the next page is requested.
            select: the field of the answer that holds the records.
            arguments: `params`, `json` and `method` of the request.

        Raises:
            PullError: the request was refused or failed, or the pages repeat or do not end.
        """
        pages = self._client.paginate(
            path, paginator=paginator, data_selector=select, allow_redirects=False, **arguments
        )
        guard = _Guard(f"{self.vendor}: {path}", self.url)
        while (page := self._answered(path, lambda: next(pages, None))) is not None:
            body = self._answered(path, lambda: self._body(page.response, select))
            guard.check(page)
            yield Page(list(page), body)

    def _sent(self, path: str, arguments: Mapping[str, Any]) -> Record:
        response = self._client.request(path, allow_redirects=False, **arguments)
        response.raise_for_status()
        return self._body(response)

    def _body(self, response: Any, select: str | None = None) -> Record:
        """The answer; a field that has to be there and is missing is no empty page."""
        given = response.headers.get("Date")
        self.server_time = parsedate_to_datetime(given) if given else datetime.now(UTC)
        body: Record = response.json()
        if response.is_redirect or not isinstance(body, dict) or (select and not isinstance(body.get(select), list)):
            raise ValueError
        return body

    def _answered(self, path: str, ask: Callable[[], Any]) -> Any:
        """What a request gives; its failures in words."""
        import requests

        status = 0
        try:
            return ask()
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            failure = self._hidden(self._refused(path, status, error.response))
        except (ValueError, KeyError, TypeError, AttributeError):  # what dlt raises for a shape that it does not expect
            failure = f"{path} gave an answer of an unexpected shape; is {self.url} the address of the API?"
        except requests.RequestException as error:
            failure = f"{urlsplit(self.url).netloc} cannot be reached ({type(error).__name__}), tried {ATTEMPTS} times"
        # raised here, so that no traceback shows the request with its token
        raise PullError(f"{self.vendor}: {failure}", status)

    def _refused(self, path: str, status: int, response: Any) -> str:
        place = path if response is None else urlsplit(response.url).path
        named = " or ".join(self.variables)
        if (status in (400, 401) and "oauth2/token" in place) or status == 401:
            return (
                f"the login was refused (401): the environment variable {named} holds a token or secret that is wrong or "
                "has expired; create a new one and set the variable"
            )
        if status == 403:
            return f"no permission to read {place} (403): give the token in {named} the right to read it"
        if status == 429:
            return f"{place} still answers 429 (too many requests) after {ATTEMPTS} attempts; pull again later"
        if status >= 500:
            return f"{place} answered {status} {ATTEMPTS} times; the API has a problem: pull again later"
        return f"{place} answered {status}{_said(response)}"

    def _hidden(self, text: str) -> str:
        """The text without any of the secrets."""
        for variable in self.variables:
            if value := os.environ.get(variable, "").strip():
                text = text.replace(value, "***")
        return text

    def _take_time(self, response: Any) -> None:
        given = response.headers.get("Date")
        self.server_time = parsedate_to_datetime(given) if given else datetime.now(UTC)


class _Guard:
    """Notices pages that repeat, that never end, or that lead to another server."""

    def __init__(self, named: str, url: str) -> None:
        self._named = named
        self._server = urlsplit(url)[:2]
        self._requested: set[int] = set()
        self._seen: set[int] = set()
        self._empty = 0

    def check(self, page: "PageData[Any]") -> None:
        """Check one page, and the request for the next.

        Raises:
            PullError: they cannot be right.
        """
        rows = {hash(repr(record)) for record in page}
        if rows and rows <= self._seen:
            raise PullError(f"{self._named} gives the same records page after page; {_HALT}")
        self._seen |= rows
        self._empty = 0 if rows else self._empty + 1
        if self._empty > EMPTY_PAGES:
            raise PullError(f"{self._named} gave {EMPTY_PAGES} empty pages one after the other; {_HALT}")
        if not page.paginator.has_next_page:
            return
        request = page.request
        following = hash(repr((request.url, request.params, request.json)))
        if following in self._requested:
            raise PullError(f"{self._named} points to the same next page twice; {_HALT}")
        self._requested.add(following)
        if urlsplit(request.url)[:2] != self._server:
            raise PullError(f"{self._named} points to another server for the next page; the token is not sent there")


_HALT = "the pull was stopped, and what was pulled before stays as it was"


def secret(variable: str, place: str) -> str:
    """The secret in an environment variable.

    Raises:
        PullError: it is not set.
    """
    if not (value := os.environ.get(variable, "").strip()):
        raise PullError(f"{place}: the environment variable {variable} is not set; export it with the token")
    return value


def require_dlt() -> None:
    """Check that dlt is installed.

    Raises:
        PullError: it is not.
    """
    if find_spec("dlt") is None:
        raise PullError(f"pulling from APIs needs the package dlt: {INSTALL}")


def _said(response: Any) -> str:
    """What an API says of a request that it refuses: the first message in its answer, on one line."""
    try:
        body = response.json()
    except (ValueError, AttributeError):
        return ""
    body = body[0] if isinstance(body, list) and body else body
    body = body.get("error") if isinstance(body, dict) and isinstance(body.get("error"), dict) else body
    said = next((body[key] for key in MESSAGES if isinstance(body.get(key), str)), "") if isinstance(body, dict) else ""
    return f": {' '.join(said.split())[:MESSAGE_CHARACTERS]}" if said else ""
