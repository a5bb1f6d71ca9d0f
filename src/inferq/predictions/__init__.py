"""What a prediction is and where it stands: the record, and its place in the state store."""
