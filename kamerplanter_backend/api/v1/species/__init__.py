"""Species."""
