"""The embedded store: one SQLite file."""

from kamerplanter_backend.data_access.sqlite.document_store import open_sqlite

__all__ = ["open_sqlite"]
