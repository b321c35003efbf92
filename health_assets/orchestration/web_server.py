"""`python -m health_assets.orchestration.web_server`: Dagster's web server behind our guard; options are Dagster's."""

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from health_assets.orchestration.web_guard import WebGuard


class GuardedWebserver(DagsterWebserver):  # type: ignore[type-arg]
    """Dagster's web server; every request goes through the guard first."""

    def build_middleware(self) -> list[Middleware]:
        """Called by Dagster."""
        return [Middleware(WebGuard), *super().build_middleware()]


def main() -> None:
    """Serve until stopped."""
    app.DagsterWebserver = GuardedWebserver  # type: ignore[attr-defined]
    cli.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
