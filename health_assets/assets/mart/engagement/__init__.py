"""Product usage: how much, by whom, and which features."""
