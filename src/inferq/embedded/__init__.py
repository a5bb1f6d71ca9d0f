"""`inferq up`: one process group with a Valkey of its own, a worker and the API."""
