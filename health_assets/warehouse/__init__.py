"""The DuckDB file, which months are stale, the published snapshot and recovery of damaged files."""
