"""The dialogs that add and change tanks, plants and probes."""
