"""Checks of written tables by Great Expectations, anomalies of a load, and the outcome of a run."""
