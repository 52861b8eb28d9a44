"""Which rows are accepted: in the engine where it can be certain, by Pydantic where it cannot."""
