import os

# Read by Polars and NumPy when they are imported. A few rows are computed several times as fast in memory as by Polars'
# default engine, which streams; `make test` takes the default.
os.environ.setdefault("POLARS_ENGINE_AFFINITY", "in-memory")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
