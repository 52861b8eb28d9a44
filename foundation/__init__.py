"""The ground floor: the environment, AWS, the lock, signals, what a person sees, and errors in words.

It knows nothing of sources, models, checks and dashboards; every other folder may use it.
"""
