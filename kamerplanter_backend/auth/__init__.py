"""Who calls: accounts, sessions, keys and providers; only the server needs it."""
