"""Routes of harvests."""
