"""Readings that scripts send in batches over HTTP, judged as live ones are."""
