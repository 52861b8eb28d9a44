"""`runner.py new` and `runner.py test`: from a sample to a declared source, and a look at one before anything lands."""
