"""The models of gold."""
