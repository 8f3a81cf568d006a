"""Routes of plant protection."""
