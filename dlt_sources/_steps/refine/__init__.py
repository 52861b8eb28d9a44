"""Refine: landed loads into silver, staging and rejected rows; rebuilds of both. Knows nothing of how a source is read."""
