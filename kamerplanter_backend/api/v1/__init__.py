"""Version 1 of the HTTP interface: one package per subject."""
