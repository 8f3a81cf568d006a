"""A garden to take along."""
