"""Records pulled from the APIs of vendors into Parquet files next to the warehouse, which the presets read.

One module per vendor says which tables there are and how their pages are read; pulling.py does the rest.
"""
