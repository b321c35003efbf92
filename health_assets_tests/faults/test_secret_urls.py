"""What is secret in the URL of a source, its query and its user, is nowhere in what a run writes, shows or reports."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from health_assets.alerts.data_alerts import of_failed_run, of_unstarted_run
from health_assets.quality.run_outcome import Outcome
from health_assets.sources.file_names import labels, without_secrets
from health_assets.sources.formats import kind_of
from health_assets_tests.conftest import said_by
from health_assets_tests.frames import LOAD_DAY, settings_of, written

SECRET = "s3cr3tSignature"
ROWS = "account_id,company_name,signup_date,status\nA,Acme,2024-01-01,active\nB,Beta,soon,active\n"
SETTINGS = """
company: Acme
as_of: 2025-01-17
timezone: UTC
warehouse: warehouse.duckdb
published: published.duckdb
sources:
  accounts: {path: "http://%s/accounts.csv?X-Amz-Signature=%s", rows_kept: 0.1}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a web server on loopback, over the folder `web`."""
    (tmp_path / "web").mkdir()

    class InRanges(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            content = Path(self.translate_path(self.path)).read_bytes()
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            some = content[int(first) : int(last or len(content)) + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(some) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(some)))
            self.end_headers()
            self.wfile.write(some)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    serving = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(InRanges, directory=str(tmp_path / "web")))
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


def run(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    written(folder, "settings.yml", SETTINGS % (address, SECRET))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    monkeypatch.setenv("COLUMNS", "400")
    said = said_by("run", "--settings", "settings.yml")
    doctor = said_by("doctor", "--settings", "settings.yml")
    return said.exit_code, said.output + doctor.output


def files_with(secret: str, folder: Path) -> list[str]:
    """The files of a run that hold a text; the company's own settings may."""
    found = [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    return [path.name for path in found if path.name != "settings.yml"]


@pytest.mark.slow
def test_secret_of_a_url_is_in_no_file_of_a_run_that_published(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "web", "accounts.csv", ROWS)
    exit_code, output = run(tmp_path, server, monkeypatch)
    assert exit_code == 0, output
    assert SECRET not in output
    assert files_with(SECRET, tmp_path) == []
    assert "published.duckdb" in files_with(f"{server}/accounts.csv", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, "account_id\nA\n", "<html>\x00</html>"])
def test_secret_of_a_url_is_in_no_message_about_a_file_that_cannot_be_read(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    if content is not None:
        written(tmp_path / "web", "accounts.csv", content)
    exit_code, output = run(tmp_path, server, monkeypatch)
    assert exit_code == 1
    assert "accounts.csv" in output
    assert SECRET not in output
    assert files_with(SECRET, tmp_path) == []


def test_query_user_and_fragment_of_a_url_are_not_shown() -> None:
    said = (
        "error sending request for url (https://user:pw@host/a/b.csv?X=1&Y=2) after 3 tries, s3://bucket/key#t is fine"
    )
    assert without_secrets(said) == (
        "error sending request for url (https://host/a/b.csv after 3 tries, s3://bucket/key is fine"
    )


def test_two_urls_that_differ_in_their_query_alone_are_two_files() -> None:
    assert list(labels(["https://h/a.csv?page=1", "https://h/a.csv?page=2"]).values()) == [
        "https://h/a.csv",
        "https://h/a.csv (2)",
    ]


def test_kind_of_a_url_is_that_of_its_path() -> None:
    assert kind_of("https://host/events.parquet?X-Amz-Signature=a.csv") == "parquet"


def test_same_fault_found_after_another_time_is_the_same_alert(tmp_path: Path) -> None:
    company, first, second = settings_of(tmp_path), Outcome(), Outcome()
    first.failures = ["https://h/a.csv: cannot be read (timed out after 1.52s)"]
    second.failures = ["https://h/a.csv: cannot be read (timed out after 30.1s)"]
    alerts = [of_failed_run("daily", LOAD_DAY, outcome, company) for outcome in (first, second)]
    assert alerts[0].id == alerts[1].id
    assert "1.52s" in alerts[0].lines[0]
    unstarted = [of_unstarted_run(outcome.failures[0], LOAD_DAY) for outcome in (first, second)]
    assert unstarted[0].id == unstarted[1].id
