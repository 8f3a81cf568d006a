"""Everything that belongs to one garden: /t/{slug}/..."""
