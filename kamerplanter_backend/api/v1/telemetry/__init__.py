"""Routes of readings."""
