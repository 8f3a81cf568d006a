"""The one typed interface through which Home Assistant and others use Kamerplanter."""
