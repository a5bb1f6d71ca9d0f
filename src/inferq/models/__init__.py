"""Models: input in, result out. Knows no queue, no record and no HTTP."""

BUNDLED = "ssdlite-mobilenet-v2-coco"
"""The name of the model inside the package, and of its folder."""
