"""Models: input in, result out. Knows no queue, no record and no HTTP."""
