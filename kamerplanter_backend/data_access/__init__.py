"""The stores themselves, one folder each; only the composition root opens them."""
