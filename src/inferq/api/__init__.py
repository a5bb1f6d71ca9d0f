"""The HTTP API: accepts predictions, answers for them, and never runs a model."""
