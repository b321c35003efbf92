"""Streamlit pages over the published snapshot. No page computes a metric; see reporting/ for the queries."""
