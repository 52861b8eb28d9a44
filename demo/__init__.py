"""The upstream world on one machine: deterministic from a seed, dirty on purpose, with its own oracle."""
