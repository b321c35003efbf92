"""Events that an engine reduces where they are: Polars, DuckDB, or a Spark cluster over Spark Connect."""
