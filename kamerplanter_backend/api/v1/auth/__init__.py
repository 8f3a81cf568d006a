"""Registering, logging in and out, keys for machines."""
