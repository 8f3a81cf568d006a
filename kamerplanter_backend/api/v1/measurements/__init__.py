"""Routes of measurements by hand."""
