"""Routes of planting runs."""
