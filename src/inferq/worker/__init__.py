"""A worker: takes task ids from the broker and runs predictions."""
