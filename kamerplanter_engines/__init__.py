"""Pure domain knowledge of Kamerplanter: no I/O, no clock, no framework."""

__version__ = "2026.11.0"
