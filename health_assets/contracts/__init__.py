"""What a table guarantees: contracts, shared columns, expressions, breakdowns and months. No table is declared here."""

import sys

if "sqlalchemy" not in sys.modules:
    # dataframely imports it for columns of databases, which takes a fifth of the start of a command
    sys.modules["sqlalchemy"] = None  # type: ignore[assignment]
    try:
        import dataframely  # noqa: F401
    finally:
        del sys.modules["sqlalchemy"]
