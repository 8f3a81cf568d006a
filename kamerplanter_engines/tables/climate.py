"""When what is derived from air, leaf and light may be told, and when it may decide.

Sources: the project's decisions on derived values (coverage 80 %); what is marked so is ours.
"""

COVERAGE_RATIO_LOW = 0.8
"""Of a day of which less was measured nothing is decided."""

DARK_UMOL = 5.0
"""Less light than this is none, as the zero of a quantum sensor is off by some of it (ours).
[µmol/(m² s)]"""
LOW_LIGHT_UMOL, HIGH_LIGHT_UMOL = 200.0, 800.0
"""Photon flux below and above which a leaf is colder and warmer. [µmol/(m² s)]"""
