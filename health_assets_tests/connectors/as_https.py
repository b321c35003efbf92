"""For clients that speak nothing but https: their requests, sent to loopback."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter


class _Plain(HTTPAdapter):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        sent = request.copy()
        sent.url = self._url + "/" + str(request.url).split("/", 3)[3]
        response = super().send(sent, *arguments, **options)
        response.url, response.request = str(request.url), request
        return response


def session_to(url: str) -> requests.Session:
    """A session of requests that sends what goes to any https server to a URL instead."""
    session = requests.Session()
    session.mount("https://", _Plain(url))
    return session
