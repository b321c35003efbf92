"""How a source is described, as text that can be stored with a load and compared with that of the next."""

import hashlib
import json

from health_assets.settings import Settings


def description_of(source: str, settings: Settings) -> str:
    """How a source is read, as JSON, without its files; and what of the company's settings concerns it.

    A query stands there by its hash, since it may hold what is secret.
    """
    described = settings.sources[source].descriptions
    given = [one.model_dump(mode="json", exclude={"path", "rows_kept", "other_descriptions"}) for one in described]
    for one in given:
        one["query"] = one["query"] and hashlib.sha256(one["query"].encode()).hexdigest()[:12]
    description = given[0] | {"other_descriptions": given[1:]}
    shared = settings.model_dump(mode="json", include={"reporting_currency", "fx_rates", "timezone", "id_map"})
    return json.dumps(description | shared, sort_keys=True)
