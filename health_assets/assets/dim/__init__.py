"""Who and what: accounts, users, products, features, devices and days, one file per table."""
