"""Gardens as accounts see them."""
