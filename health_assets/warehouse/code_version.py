"""The version of a table's code: a hash of its transform and of all that it calls or names inside this package.

Bytecode is hashed without line numbers and docstrings, so that a comment puts no month out of date. What belongs to other
packages counts by its name only: a new release of a library does not recompute everything.
"""

import functools
import hashlib
import sys
import types
from collections.abc import Callable, Iterable
from datetime import date, time, timedelta
from functools import cache
from typing import Any

import polars as pl

from health_assets.contracts.contract import Contract, fingerprint
from health_assets.sources.quarantine import filter_rows
from health_assets.tables import Table

PACKAGE = __name__.split(".")[0]
HAS_DOCSTRING = (
    0x4000000  # flag of a code object; up to Python 3.12 every function that is named begins with its docstring
)
PLAIN = (str, bytes, int, float, bool, type(None), date, time, timedelta)


def code_version(table: Table) -> str:
    """A short hash that changes with the code that makes a table."""
    return version_of(table.function, *([filter_rows] if table.is_staged else []))


@cache
def version_of(*functions: Callable[..., Any]) -> str:
    """A short hash of functions and of all that they use of this package, the same in every process."""
    seen: dict[int, str] = {}
    waiting: list[Any] = list(functions)
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen:
            own, uses = _described(thing)
            seen[id(thing)] = own
            waiting.extend(uses)
    return hashlib.sha256("\n".join(sorted(seen.values())).encode()).hexdigest()[:12]


def _described(thing: Any) -> tuple[str, list[Any]]:
    """A thing in words that are the same in every process, and what it uses of this package."""
    thing = _unwrapped(thing)
    if isinstance(thing, types.FunctionType):
        return _function(thing)
    if isinstance(thing, type):
        return _class(thing)
    if isinstance(thing, functools.partial):
        return "partial", [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, PLAIN):
        return repr(thing), []
    if isinstance(thing, dict):
        return f"dict of {len(thing)}", [value for pair in thing.items() for value in pair]
    if isinstance(thing, list | tuple):
        return _sequence(thing)
    if isinstance(thing, set | frozenset):
        return f"set {sorted(map(repr, thing))}", []
    if isinstance(thing, pl.Expr):
        return f"expression {thing}", []
    return f"{type(thing).__module__}.{type(thing).__qualname__}", []


def _sequence(things: list[Any] | tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Plain values in their order; functions and the like by what they are."""
    return f"{type(things).__name__} {[one if isinstance(one, PLAIN) else type(one).__name__ for one in things]}", [
        one for one in things if not isinstance(one, PLAIN)
    ]


@cache
def _function(function: types.FunctionType) -> tuple[str, list[Any]]:
    name = f"{function.__module__}.{function.__qualname__}"
    if not _is_ours(function):
        return name, []
    codes = list(_nested(function.__code__))
    names = {name for code in codes for name in code.co_names}
    used = [function.__globals__[name] for name in sorted(names) if name in function.__globals__]
    for module in [one for one in used if isinstance(one, types.ModuleType) and one.__name__.startswith(PACKAGE)]:
        used += [vars(module)[name] for name in sorted(names) if name in vars(module)]
    used += [cell.cell_contents for cell in function.__closure__ or ()]
    used += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return f"{name} {[_bytecode(code) for code in codes]}", [
        one for one in used if not isinstance(one, types.ModuleType)
    ]


@cache
def _class(thing: type) -> tuple[str, list[Any]]:
    name = f"{thing.__module__}.{thing.__qualname__}"
    if not _is_ours(thing):
        return name, []
    if issubclass(thing, Contract):
        return f"{name} {fingerprint(thing)}", []
    members = (_unwrapped(member) for _, member in sorted(vars(thing).items(), key=lambda member: member[0]))
    return name, [member for member in members if isinstance(member, types.FunctionType)]


def _unwrapped(thing: Any) -> Any:
    """The function behind a cache, a property, a method or another decorator."""
    if isinstance(thing, property):
        return thing.fget
    if isinstance(thing, classmethod | staticmethod | types.MethodType):
        return thing.__func__
    while hasattr(thing, "__wrapped__") and callable(thing):
        thing = thing.__wrapped__
    return thing


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).split(".")[0] == PACKAGE


def _nested(code: types.CodeType) -> Iterable[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _bytecode(code: types.CodeType) -> str:
    """Instructions, names and constants; the docstring, which comes first, is left out."""
    first = code.co_consts[0] if code.co_consts else None
    has_docstring = code.co_flags & HAS_DOCSTRING if sys.version_info >= (3, 13) else not code.co_name.startswith("<")
    constants = code.co_consts[1:] if isinstance(first, str) and has_docstring else code.co_consts
    plain = [_constant(constant) for constant in constants if not isinstance(constant, types.CodeType)]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars} {plain}"


def _constant(constant: Any) -> str:
    return f"set {sorted(map(repr, constant))}" if isinstance(constant, frozenset) else repr(constant)
