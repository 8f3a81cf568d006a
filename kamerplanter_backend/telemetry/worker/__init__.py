"""The ingest worker of a server: the readings of many gardens, judged and stored."""
