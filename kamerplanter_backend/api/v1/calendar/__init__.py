"""Routes of the calendar."""
