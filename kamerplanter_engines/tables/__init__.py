"""Named numbers, each with its source."""
