"""MySQL and MariaDB, whose answers arrive as text: each column gets the type that the server names.

Sessions only read and are in UTC, so that a TIMESTAMP is an instant; a DATETIME has no zone. A day of zeros is no day, thus null.
"""

import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import pyarrow as pa
import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import SSCursor

from health_assets.sources.sqlite_files import BATCH_ROWS, Answer

PORT, SECONDS = 3306, 10  # until a server counts as not there
SESSION = ("set session transaction read only", "set time_zone = '+00:00'")
MODES = ("disabled", "preferred", "required", "verify_ca", "verify_identity")  # as MySQL names them
TYPES = {
    **dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG), pa.int64()),
    **dict.fromkeys((FIELD_TYPE.YEAR, FIELD_TYPE.BIT), pa.int64()),
    FIELD_TYPE.LONGLONG: pa.decimal128(20),  # the server does not say whether it has a sign
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), pa.float64()),
    **dict.fromkeys((FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE), pa.date32()),
    FIELD_TYPE.DATETIME: pa.timestamp("us"),
    FIELD_TYPE.TIMESTAMP: pa.timestamp("us", "UTC"),
}
DECIMALS = (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL)
DIGITS, LARGEST_SCALE = 38, 30
NO_DAY = re.compile(r"^0000|^\d{4}-(?:00|\d\d-00)")


class Rows(SSCursor):  # type: ignore[misc]  # the driver has no types
    """Rows as they arrive; those of a lost connection are not waited for, as the driver's own cursor does when it is closed."""

    connection: Any

    def close(self) -> None:
        """Read what is left of an answer, unless the connection is lost."""
        if self.connection is not None and self.connection.open:
            super().close()
            return
        self.connection = None
        if self._result is not None:
            self._result.unbuffered_active = False

    __del__ = close


def by_mysql(url: str) -> Callable[[str], Answer]:
    """What answers statements, one at a time, each over a connection of its own.

    Raises:
        RuntimeError: the server refuses the connection.
        ValueError: a parameter of the URL is not known.
    """
    given = urlsplit(url)
    options = _options(given)
    _connected(given, options).close()

    def answer(statement: str) -> Answer:
        batches = _batches(given, options, statement)
        schema = next(batches)
        return Answer(schema, batches)

    return answer


def _options(given: SplitResult) -> dict[str, Any]:
    """How TLS is used, by the parameters of the URL: where the server has it, unless they say more."""
    parameters = {name.lower().replace("-", "_"): value for name, value in parse_qsl(given.query)}
    mode, authority = parameters.pop("ssl_mode", "").lower().replace("-", "_"), parameters.pop("ssl_ca", None)
    mode = mode or ("verify_ca" if authority else "preferred")
    if parameters:
        raise ValueError(f"the parameters of a MySQL URL are ssl-mode and ssl-ca, not {', '.join(parameters)}")
    if mode not in MODES:
        raise ValueError(f"ssl-mode must be one of {', '.join(MODES)}")
    if mode == "preferred":
        return {}
    if mode == "disabled":
        return {"ssl_disabled": True}
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_NONE if mode == "required" else ssl.CERT_REQUIRED
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the certificates that MySQL makes for itself do not meet it
    return {"ssl": context}


def _connected(given: SplitResult, options: dict[str, Any]) -> "pymysql.Connection[Rows]":
    try:
        connection = pymysql.connect(
            host=given.hostname,
            port=given.port or PORT,
            user=unquote(given.username or ""),
            password=unquote(given.password or "").encode(),
            database=unquote(given.path.removeprefix("/")) or None,
            conv={},
            cursorclass=Rows,
            autocommit=True,
            connect_timeout=SECONDS,
            **options,
        )
        for statement in SESSION:
            connection.query(statement)
        return connection
    except pymysql.Error as error:
        raise RuntimeError(_said(error)) from None


def _batches(given: SplitResult, options: dict[str, Any], statement: str) -> Iterator[Any]:
    """The schema of an answer, then its rows."""
    with closing(_connected(given, options)) as connection:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                if not cursor.description:
                    raise ValueError("must be a single SELECT")
                schema = pa.schema([(str(name), _type(kind, scale)) for name, kind, *_, scale, _ in cursor.description])
                yield schema
                while rows := cursor.fetchmany(BATCH_ROWS):
                    columns = zip(zip(*rows, strict=True), schema.types, strict=True)
                    yield pa.record_batch([_values(values, kind) for values, kind in columns], schema=schema)
        except pymysql.Error as error:
            raise RuntimeError(_said(error)) from None


def _type(kind: int, scale: int) -> pa.DataType:
    if kind in DECIMALS:
        return pa.decimal128(DIGITS, min(scale, LARGEST_SCALE))
    return TYPES.get(kind, pa.string())


def _values(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """The values of a column, given as text or bytes."""
    if pa.types.is_integer(kind):
        return pa.array([None if value is None else _whole(value) for value in values], kind)
    texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    if pa.types.is_temporal(kind):
        texts = [None if text is None or NO_DAY.match(text) else text for text in texts]
    without_zone = pa.timestamp(kind.unit) if pa.types.is_timestamp(kind) else kind
    return pa.array(texts, pa.string()).cast(without_zone).cast(kind)


def _whole(value: str | bytes) -> int:
    """A whole number; bits arrive as bytes."""
    return int.from_bytes(value) if isinstance(value, bytes) else int(value)


def _said(error: Exception) -> str:
    return str(error.args[-1]) if error.args else str(error)
