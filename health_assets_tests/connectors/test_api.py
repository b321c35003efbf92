"""Requests: retries and waits, pages that cannot be right, and errors that name the variable of a token, not the token."""

from collections.abc import Callable

import pytest
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

from health_assets.connectors.api import Api, PullError, secret
from health_assets_tests.loopback_api import Answer, LoopbackApi, Request

pytestmark = pytest.mark.slow

TOKEN = "tk-5ecret"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", TOKEN)


def api_of(vendor: LoopbackApi) -> Api:
    vendor.token = TOKEN
    return Api("acme", vendor.url, BearerTokenAuth(token=TOKEN), ["ACME_TOKEN"])


def pulled(vendor: LoopbackApi) -> list[int]:
    pages = api_of(vendor).pages("/items", JSONLinkPaginator("next"), "items")
    return [record["id"] for page in pages for record in page.records]


def linked(pages: list[list[int]], url: str = "") -> Callable[[Request], Answer]:
    """Pages of items, each with a link to the next."""

    def answer(request: Request) -> Answer:
        number = int(request.query.get("page", 0))
        following = f"{url}/items?page={number + 1}" if number + 1 < len(pages) else None
        return Answer({"items": [{"id": one} for one in pages[number]], "next": following})

    return answer


def test_all_pages_are_read_in_order(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = linked([[1, 2], [3], [4]])
    assert pulled(vendor) == [1, 2, 3, 4]


def test_too_many_requests_waits_as_long_as_the_server_says(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = linked([[1]])
    vendor.next_answers = [Answer(status=429, headers={"Retry-After": "1"})]
    assert pulled(vendor) == [1]
    first, second = vendor.requests
    assert second.at - first.at >= 1


def test_server_errors_are_tried_again(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = linked([[1]])
    vendor.next_answers = [Answer(status=500), Answer(status=503), Answer(status=502)]
    assert pulled(vendor) == [1]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "the environment variable ACME_TOKEN holds a token or secret that is wrong or has expired"),
        (403, r"no permission to read /items \(403\): give the token in ACME_TOKEN the right"),
        (404, r"/items answered 404: not with \*\*\*"),
        (429, "/items still answers 429 .* after 6 attempts"),
        (500, "/items answered 500 6 times"),
    ],
)
def test_refusal_is_one_error_without_the_token(vendor: LoopbackApi, status: int, said: str) -> None:
    vendor.routes["/items"] = lambda request: Answer({"message": f"not with {TOKEN}"}, status)
    with pytest.raises(PullError, match=said) as error:
        pulled(vendor)
    chain = [error.value, error.value.__cause__, error.value.__context__]
    assert TOKEN not in repr(chain)
    assert chain[1:] == [None, None]


def test_server_that_is_not_there_is_one_error(vendor: LoopbackApi) -> None:
    api = api_of(vendor)
    vendor.stop()
    with pytest.raises(PullError, match=r"^acme: 127.0.0.1:\d+ cannot be reached \(ConnectionError\), tried 6 times$"):
        api.one("/items")


def test_page_that_links_to_itself_is_noticed(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = lambda request: Answer({"items": [{"id": len(vendor.requests)}], "next": "/items?page=7"})
    with pytest.raises(PullError, match="/items points to the same next page twice"):
        pulled(vendor)
    assert len(vendor.requests) == 2


def test_same_records_page_after_page_are_noticed(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = lambda request: Answer(
        {"items": [{"id": 1}], "next": f"/items?page={len(vendor.requests)}"}
    )
    with pytest.raises(PullError, match="gives the same records page after page"):
        pulled(vendor)


def test_empty_pages_without_end_are_noticed(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = lambda request: Answer({"items": [], "next": f"/items?page={len(vendor.requests)}"})
    with pytest.raises(PullError, match="100 empty pages"):
        pulled(vendor)


def test_token_does_not_go_to_another_server(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = linked([[1], [2]], url="http://127.0.0.2:9")
    with pytest.raises(PullError, match="another server"):
        pulled(vendor)


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", {"other": []}, {"items": {"id": 1}}, []])
def test_answer_of_another_shape_is_no_empty_page(vendor: LoopbackApi, body: object) -> None:
    vendor.routes["/items"] = lambda request: Answer(body)
    with pytest.raises(PullError, match="unexpected shape"):
        pulled(vendor)


def test_redirect_is_not_followed(vendor: LoopbackApi) -> None:
    vendor.routes["/items"] = lambda request: Answer({"items": []}, 302, {"Location": "http://127.0.0.2:9/"})
    with pytest.raises(PullError, match="unexpected shape"):
        pulled(vendor)


def test_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_TOKEN", raising=False)
    with pytest.raises(PullError, match=r"^pull.acme.token: the environment variable ACME_TOKEN is not set"):
        secret("ACME_TOKEN", "pull.acme.token")
