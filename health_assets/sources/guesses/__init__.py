"""Which source a file is, which column is which of ours, and how it is written: guesses that `health-assets init` then tries."""
