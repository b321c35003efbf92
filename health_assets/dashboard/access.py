"""Whose accounts a viewer may see. Who the viewer is, a proxy in front says in a header; there is no login here."""

from collections.abc import Mapping

from health_assets.reporting.scope import Scope
from health_assets.settings import Settings

ALL = "all"  # a viewer of dashboard.viewers who sees every account


def viewer_of(headers: Mapping[str, str], company: Settings) -> str | None:
    """The viewer that the header of the settings names; None where none is configured, or it is not set."""
    header = company.dashboard.viewer_header
    if header is None:
        return None
    return next((value.strip() for name, value in headers.items() if name.lower() == header.lower()), None) or None


def scope_of(headers: Mapping[str, str], company: Settings) -> Scope | None:
    """The accounts that a viewer may see; None where a viewer is required and the header does not name one."""
    if company.dashboard.viewer_header is None:
        return Scope()
    viewer = viewer_of(headers, company)
    if viewer is None:
        return None
    owner = company.dashboard.viewers.get(viewer, viewer)
    return Scope() if owner == ALL else Scope(owner=owner)
