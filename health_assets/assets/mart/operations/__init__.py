"""The workflow module: throughput, quality, value and risk of accounts by month."""
