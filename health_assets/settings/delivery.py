"""The section `alerts.delivery`: how long a post may take, and how failed posts are repeated."""

from typing import Annotated

from pydantic import Field

from health_assets.settings.source import Section

Seconds = Annotated[float, Field(gt=0)]


class Delivery(Section):
    """How long a post may take, and how failed posts are repeated."""

    post_seconds: Seconds
    pause_seconds: Annotated[float, Field(ge=0)]
    patience_seconds: Annotated[float, Field(ge=0)]
    first_retry_seconds: Seconds
    longest_retry_seconds: Seconds
    give_up_days: Annotated[float, Field(gt=0)]
    min_attempts: Annotated[int, Field(gt=0)]
    wait_seconds: Seconds
