"""What a calibration has to keep within, and when a probe in a solution has come to rest.

Sources: the project's decisions on calibration, and the domain specification (slope 0.80 to 1.05 of
Nernst, offset 0.5, buffers 2 apart, factor 0.8 to 1.25, warning below 0.90); what is marked so is
ours.
"""

PH_SLOPE_RATIO_LOW, PH_SLOPE_RATIO_HIGH = 0.80, 1.05
"""Share of an ideal electrode's slope; outside it is broken, or the buffers were mixed up."""
EFFICIENCY_RATIO_WEAK = 0.90
"""An electrode that gives less than this share of an ideal one is dirty or wears out."""
PH_BUFFER_DISTANCE = 2.0
"""Two buffers that are closer make the slope a matter of chance. [pH]"""
PH_SHIFT_HIGH = 0.5
"""An electrode that shows pH 7 further off is used up. [pH]"""
EC_FACTOR_LOW, EC_FACTOR_HIGH = 0.80, 1.25
"""What has to be multiplied by less or more is dirty, broken or in another solution."""
SOIL_SPAN_RATIO = 0.05
"""Dry and wet must differ by this share of the larger raw number (ours)."""
SOIL_SPAN_LOW = 1e-3
"""And at least by this: less is noise (ours). [raw number]"""

STEADY_COUNT, STEADY_S = 3, 10.0
"""So many readings over so long have to agree (all numbers of rest are ours). [s]"""
SLOW_COUNT, SLOW_S = 2, 60.0
"""Two are enough of a probe that reports this seldom."""

PH_BAND = 0.02
MILLIVOLT_BAND = 1.0
"""Readings that agree lie within a band as wide as this; so do those below. [pH, mV, mS/cm]"""
EC_BAND_MS_CM, EC_BAND_RATIO = 0.01, 0.01
"""The larger one counts, and so for soil."""
SOIL_BAND, SOIL_BAND_RATIO = 0.01, 0.01
SOIL_BAND_STEPS = 2
"""A meter of whole percents that flickers by one to each side is at rest, too."""
