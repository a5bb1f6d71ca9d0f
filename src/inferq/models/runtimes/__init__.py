"""What executes a network's graph, one file a runtime."""
