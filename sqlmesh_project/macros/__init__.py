"""Macros for the models."""
