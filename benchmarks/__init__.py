"""The measured claims, as ratios within one run: `make benchmark`."""
