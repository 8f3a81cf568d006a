"""Services, stores and jobs of Kamerplanter."""

__version__ = "2026.11.0"
