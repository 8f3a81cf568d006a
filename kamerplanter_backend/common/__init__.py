"""Small things that all backend layers use."""
