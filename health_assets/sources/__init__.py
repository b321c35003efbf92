"""Files in: readers, parsing, malformed rows, quarantine and freshness. Nothing here knows a single table."""
