"""Builds the views of the snapshot, each with the moments at which it changes by itself."""
