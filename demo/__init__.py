"""The demo: a real Home Assistant, a real broker and a garden that is simulated."""
