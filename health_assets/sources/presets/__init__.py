"""Vendors whose exports and landed tables are known: one folder of SQL for each, one file per source.

`tables.yml` of a vendor names the tables and columns that its SQL reads, and what the vendor, Fivetran, Airbyte and dlt call
them. The SQL is answered by DuckDB over views with exactly these columns, wherever the tables come from.
"""
