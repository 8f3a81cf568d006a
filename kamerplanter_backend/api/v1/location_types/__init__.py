"""Kinds of locations."""
