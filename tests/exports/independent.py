"""What `supervision`, a library that trains and evaluates on such data sets, reads from an export's folder."""

import warnings
from pathlib import Path

with warnings.catch_warnings():
    # It says that OpenCV is not there, and that parts of its own are deprecated.
    warnings.simplefilter("ignore")
    import supervision

FOLDERS = {"coco": "images", "yolo": "images", "voc": "JPEGImages"}


def read(folder: Path, format_name: str) -> "supervision.DetectionDataset":
    """The data set in a folder."""
    pictures = str(folder / FOLDERS[format_name])
    kind = supervision.DetectionDataset
    if format_name == "coco":
        return kind.from_coco(pictures, str(folder / "annotations/instances.json"))
    if format_name == "yolo":
        return kind.from_yolo(pictures, str(folder / "labels"), str(folder / "data.yaml"))
    return kind.from_pascal_voc(pictures, str(folder / "Annotations"))


def boxes_by_picture(folder: Path, format_name: str) -> dict[str, list[tuple]]:
    """Labels and edges by the picture's file name."""
    dataset = read(folder, format_name)
    return {
        Path(path).name: sorted(
            (dataset.classes[class_id], *edges)
            for class_id, edges in zip(found.class_id, found.xyxy.tolist(), strict=True)
        )
        for path, found in dataset.annotations.items()
    }
