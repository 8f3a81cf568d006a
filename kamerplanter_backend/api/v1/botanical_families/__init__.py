"""Botanical families."""
