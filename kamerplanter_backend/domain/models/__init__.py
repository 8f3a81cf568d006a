"""Stored things that no engine needs to know."""
