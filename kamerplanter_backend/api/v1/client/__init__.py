"""The client interface over HTTP: a snapshot, a verb for each request, a stream of changes."""
