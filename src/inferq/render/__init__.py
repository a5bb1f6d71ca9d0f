"""Pictures made of pictures: previews, and detections drawn on an image."""

from inferq.render.annotations import annotate
from inferq.render.encoding import render_version
from inferq.render.palette import PALETTE, class_color
from inferq.render.previews import preview
from inferq.render.turning import upright

__all__ = ["PALETTE", "annotate", "class_color", "preview", "render_version", "upright"]
