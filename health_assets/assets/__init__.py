"""The tables, by layer: one file a table, the contract on top and the transform below it."""
