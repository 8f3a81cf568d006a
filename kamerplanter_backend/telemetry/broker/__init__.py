"""Connections to brokers that are our own: one for a house, one for all gardens of a worker."""
