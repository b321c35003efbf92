"""Which requests the guard in front of Dagster's web server refuses; the real server is in faults/test_ui.py."""

import pytest

from health_assets.orchestration.web_guard import HOSTS_VARIABLE, WebGuard

OURS = "127.0.0.1:3000"
JSON = {"content-type": "application/json"}


async def unused(*_: object) -> None: ...


def refusal(method: str = "GET", path: str = "/", kind: str = "http", host: str = OURS, **headers: str) -> str | None:
    given = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    return WebGuard(unused).refusal({"type": kind, "method": method, "path": path, "headers": raw})


@pytest.mark.parametrize("host", [OURS, "localhost:3000", "LOCALHOST", "[::1]:3000", "127.0.0.1.:3000"])
def test_our_own_pages_are_served(host: str) -> None:
    assert refusal(host=host) is None
    assert refusal("POST", "/graphql", host=host, origin=f"http://{host}", **JSON) is None
    assert refusal(kind="websocket", path="/graphql", host=host, origin=f"http://{host}") is None


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "", "[", "0.0.0.0"]
)
def test_other_host_names_are_refused(host: str) -> None:
    assert "host name is not ours" in refusal(host=host)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:8080", "http://127.0.0.1.evil.example:3000"]
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_pages_of_other_origins_are_refused(origin: str, kind: str) -> None:
    assert refusal("POST", "/graphql", kind=kind, origin=origin, **JSON) == "the page that sent this is not ours"


def test_images_of_other_pages_are_refused_and_links_from_there_are_not() -> None:
    image = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    frame = link | {"sec_fetch_dest": "iframe"}
    assert refusal(path="/logs/x.err", **image)
    assert refusal(path="/runs", **frame)
    assert refusal("POST", "/report_asset_check/x", **link)
    assert refusal(path="/runs", **link) is None


def test_queries_in_an_address_or_a_form_are_refused() -> None:
    assert refusal("GET", "/graphql", accept="*/*") == "queries are posted, not put into the address"
    assert refusal("GET", "/graphql/", accept="image/png")
    assert refusal("GET", "/graphql", accept="text/html") is None  # the page to type queries into
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert refusal("POST", "/graphql", content_type=kind) == "queries are posted as application/json"


def test_host_name_of_a_reverse_proxy_is_served_when_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"host": "dagster.acme.example", "origin": "https://dagster.acme.example", **JSON}
    assert refusal("POST", "/graphql", **page)
    monkeypatch.setenv(HOSTS_VARIABLE, "dagster.acme.example, other.example")
    assert refusal("POST", "/graphql", **page) is None
    assert refusal("POST", "/graphql", **page | {"origin": "https://evil.example"})
