"""Ratios to a peer, measured in one run."""
