"""Formulas that take floats and dates and know no model."""
