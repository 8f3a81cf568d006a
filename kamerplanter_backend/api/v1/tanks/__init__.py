"""Tanks."""
