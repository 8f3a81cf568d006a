"""Data that engines read and return."""
