"""Routes of single calibrations and of exchanged devices."""
