"""Cultivars."""
