"""The checks between the layers."""
