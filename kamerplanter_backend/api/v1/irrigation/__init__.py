"""Routes of the irrigation log and of care."""
