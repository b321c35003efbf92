"""Customer health as Dagster assets: source files in, scores with their reasons out."""
