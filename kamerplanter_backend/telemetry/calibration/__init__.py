"""A probe in its buffers: what it shows raw, and what its calibrations make of that."""
