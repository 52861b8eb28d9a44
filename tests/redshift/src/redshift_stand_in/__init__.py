"""A stand-in for Amazon Redshift: its wire, its SQL and its refusals in front of a real PostgreSQL."""
