"""Live readings: from topics and entities to judged values, and on to the store in batches."""
