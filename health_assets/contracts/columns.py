"""Columns that several tables share, described once."""

from datetime import date, datetime
from typing import Any

import dataframely as dy

LARGEST_AMOUNT = 1e15  # 1e308 is a number, but the sum of two of them is none


def Given(  # noqa: N802 - a column type
    description: str,
    *,
    required: bool = False,
    key: bool = False,
    alternatives: tuple[tuple[str, ...], ...] = (),
    through: str | None = None,
) -> dy.String:
    """A column of a raw table: the text of the file, null where the file is blank or lacks the column.

    A `required` column must be in the file, or all columns of one of its `alternatives`, or it is found `through` another in
    `users`; a `key` that is not in the file becomes a hash of the row.
    """
    metadata = {"required": required, "key": key, "alternatives": alternatives, "through": through}
    return dy.String(nullable=True, description=description, metadata=metadata)


def AccountId(*, primary_key: bool = False, of: str | None = "dim_account", **metadata: Any) -> dy.String:  # noqa: N802
    """The account that a row belongs to; it must exist in the table `of`, where one is given."""
    return dy.String(
        primary_key=primary_key,
        description="Account",
        metadata=({"references": f"{of}.account_id"} if of else {}) | metadata or None,
    )


def CompanyName(**options: Any) -> dy.String:  # noqa: N802
    """What people call the account."""
    return dy.String(nullable=True, description="Name of the company", **options)


def AccountOwner(**options: Any) -> dy.String:  # noqa: N802
    """Who is in charge of the account."""
    return dy.String(nullable=True, description="Person in charge", **options)


AFTER_NEVER = datetime(1970, 1, 2)  # the day before is how systems write "never": zero seconds since the epoch


def Moment(description: str, **options: Any) -> dy.Datetime:  # noqa: N802
    """A UTC timestamp within a century that can be meant."""
    options = {"nullable": True} | options
    return dy.Datetime(
        time_unit="us", description=f"{description}, UTC", min=AFTER_NEVER, max=datetime(2100, 1, 1), **options
    )


def Day(description: str, **options: Any) -> dy.Date:  # noqa: N802
    """A day in the company's time zone within a century that can be meant."""
    options = {"nullable": True} | options
    return dy.Date(description=description, min=AFTER_NEVER.date(), max=date(2100, 1, 1), **options)


def AsOfDate(*, primary_key: bool = True) -> dy.Date:  # noqa: N802
    """The day whose evening the row describes; nothing dated after it counts."""
    return dy.Date(
        primary_key=primary_key,
        description="As-of day, the whole day included",
        metadata={"available_from": True},
    )


def _with_unit(description: str, unit: str, null: str = "") -> str:
    """The unit after the meaning, before what follows a semicolon; what null means, where the description does not say it."""
    meaning, *notes = description.split("; ")
    notes += [null] if null and "null" not in description else []
    return "; ".join([f"{meaning}, {unit}", *notes])


def Money(description: str, **bounds: Any) -> dy.Float64:  # noqa: N802
    """An amount in the reporting currency that can be meant, never negative unless `min=None` is given."""
    bounds = {"min": 0, "max": LARGEST_AMOUNT, "nullable": False} | bounds
    if bounds["min"] is None:
        bounds["min"] = -LARGEST_AMOUNT
    bounds["metadata"] = {"money": True} | (bounds.get("metadata") or {})
    return dy.Float64(description=_with_unit(description, "in the reporting currency"), **bounds)


def Count(description: str, **options: Any) -> dy.Int64:  # noqa: N802
    """A number of things: 0 means measured and none, null (where allowed) not measured."""
    return dy.Int64(min=0, description=description, **options)


def Score(description: str, **options: Any) -> dy.Float64:  # noqa: N802
    """0 (worst) to 100 (best); null means that too little was measured to say."""
    options = {"nullable": True} | options
    return dy.Float64(min=0, max=100, description=_with_unit(description, "0-100", "null = not measured"), **options)


def Pct(description: str, **options: Any) -> dy.Float64:  # noqa: N802
    """A percentage, 0-100 unless other bounds are given; null where there is nothing to divide by."""
    options = {"min": 0, "max": 100, "nullable": True} | options
    return dy.Float64(
        description=_with_unit(description, "in %", "null where there is nothing to divide by"), **options
    )


def Share(description: str, **options: Any) -> dy.Float64:  # noqa: N802
    """A rate or ratio, 0-1 unless other bounds are given; null where there is nothing to divide by."""
    options = {"min": 0, "max": 1, "nullable": True} | options
    return dy.Float64(description=f"{description}; null where there is nothing to divide by", **options)


def Hours(description: str, **options: Any) -> dy.Float64:  # noqa: N802
    """A duration in hours."""
    return dy.Float64(nullable=True, min=0, description=_with_unit(description, "in hours"), **options)


def Minutes(description: str) -> dy.Float64:  # noqa: N802
    """A duration in minutes."""
    return dy.Float64(nullable=True, min=0, description=_with_unit(description, "in minutes"))
