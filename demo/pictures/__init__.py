"""Takes the pictures of the documentation of a real Home Assistant with the demo garden."""
