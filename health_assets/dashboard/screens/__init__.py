"""One file per page; each has a function `show` that draws it for a view."""
