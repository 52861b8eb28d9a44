"""The sources, one folder each, and the steps that read them."""
