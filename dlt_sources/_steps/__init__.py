"""The steps all sources share."""
