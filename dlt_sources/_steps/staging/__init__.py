"""Staging: the newest row of each key, in the warehouse."""
