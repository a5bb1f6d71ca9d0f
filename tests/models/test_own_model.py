"""Classes of users' own: what their annotations come to, and what is said when something is wrong."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from inferq.errors import InferqError, SetupError
from inferq.models.base import Context, File
from inferq.models.catalogue import check_folders, find_models, identify, load_models
from inferq.models.own_model import HookFailed
from inferq.models.trial import try_model
from models.code import code_folder, loaded
from photos import encoded

GREEN = encoded(Image.new("RGB", (8, 6), "green"), "PNG")


def result(model, data: bytes, **parameters: object) -> dict:
    return dict(try_model(model, data, parameters).result)


def refused(folder: Path, code: str) -> str:
    """What is said of code that cannot be served."""
    with pytest.raises(SetupError) as caught:
        loaded(folder, code)
    return str(caught.value)


CLASSIFIER = """
class Flowers(Model):
    '''Tells flowers apart.

    By their colour.
    '''
    max_batch = 16

    def infer(self, images: list[Image.Image], params: list[Params]) -> list[list[Guess]]:
        ranked = [Guess(label=f"flower {k}", score=0.1 * k) for k in range(5)]
        return [ranked[-p.top_k:] for _, p in zip(images, params)]
"""


def test_a_picture_classifier_is_known_by_its_annotations(tmp_path: Path):
    model = loaded(tmp_path / "My_Flowers", CLASSIFIER)
    about = model.about
    assert (about.reference, about.kind, about.input_kind) == (
        "my-flowers@1",
        "classification",
        "image",
    )
    assert about.description == "Tells flowers apart."
    assert about.parameters["properties"]["top_k"]["maximum"] == 20
    assert (model.max_batch, about.result_kind, about.result_schema) == (
        16,
        "classification",
        None,
    )
    found = result(model, GREEN, top_k=2)
    assert [each["label"] for each in found["classes"]] == ["flower 4", "flower 3"]


def test_hooks_work_on_one_item_and_may_leave_parameters_out(tmp_path: Path):
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "offset.txt").write_text("10")
    model = loaded(
        tmp_path / "steps",
        """
        class Steps(Model):
            def load(self, ctx: Context) -> None:
                self.offset = int((ctx.folder / "offset.txt").read_text())

            def preprocess(self, numbers: list[int]) -> int:
                return sum(numbers)

            def infer(self, sums):
                return [each + self.offset for each in sums]

            def postprocess(self, total: int, params: Params) -> dict[str, int]:
                return {"total": total, "top_k": params.top_k}

            def sample(self):
                return [1, 2]
        """,
    )
    assert model.about.input_schema == {"items": {"type": "integer"}, "type": "array"}
    assert model.about.result_schema["additionalProperties"] == {"type": "integer"}
    assert result(model, b"[1, 2, 3]", top_k=7) == {
        "kind": "json",
        "data": {"total": 16, "top_k": 7},
    }


def test_a_raw_file_comes_with_its_media_type_and_name(tmp_path: Path):
    model = loaded(
        tmp_path / "files",
        """
        class Files(Model):
            media_types = ["text/plain", "audio/*"]

            def infer(self, files: list[File]) -> list[list[str]]:
                return [[f.decode(), f.media_type, f.filename or ""] for f in files]
        """,
    )
    assert model.about.media_types == ("text/plain", "audio/*")
    given = File(b"hello", media_type="text/plain", filename="a.txt")
    assert result(model, given)["data"] == ["hello", "text/plain", "a.txt"]


def test_detections_come_best_first(tmp_path: Path):
    model = loaded(
        tmp_path / "boxes",
        """
        class Boxes(Model):
            name = "boxes-of-mine"
            version = "7"

            def infer(self, images: list[Image.Image]) -> list[list[Detection]]:
                box = Box(x_min=0, y_min=0, x_max=4, y_max=4)
                return [[Detection(label=l, class_id=i, score=i / 2, box=box)
                         for i, l in enumerate("ab")] for _ in images]
        """,
    )
    assert model.about.reference == "boxes-of-mine@7"
    assert identify(tmp_path / "boxes").reference == "boxes-of-mine@7"
    assert model.about.kind == "object-detection"
    assert [each["label"] for each in result(model, GREEN)["detections"]] == ["b", "a"]


def infer_body(signature: str, body: str) -> str:
    return f"class Mine(Model):\n    def infer{signature}:\n        {body}\n"


IMAGES = "(self, images: list[Image.Image]) -> list[list[Guess]]"


@pytest.mark.parametrize(
    ("code", "where", "what"),
    [
        ("class Mine(Model):\n    pass\n", "model.py:15: ", "no hook `infer`"),
        ("x = 1\n", "model.py", "no class that extends Model"),
        (CLASSIFIER + CLASSIFIER.replace("Flowers", "Birds"), "model.py", "several models: Flowers, Birds"),
        ("import nonesuch\n", "model.py:15: ", "No module named 'nonesuch'"),
        ("def broken(:\n", "model.py:15: ", "invalid syntax"),
        (infer_body("(self, images) -> list[list[Guess]]", "return []"), ":16: infer: ", "annotate its first parameter"),
        (infer_body("(self, images: list[Image.Image])", "return []"), ":16: infer: ", "annotate what it returns"),
        (infer_body("(self, images: Image.Image) -> list[int]", "return []"), ":16: infer: ", "as a list"),
        (infer_body("(self, images: list['Picture']) -> list[int]", "return []"), ":16: infer: ", "'Picture' is not defined"),
        (infer_body("(self) -> list[int]", "return []"), ":16: infer: ", "takes inputs and, if you like, parameters"),
        (infer_body("(self, x: list[int], params: list[int]) -> list[int]", "return x"), ":16: infer: ", "parameters are a pydantic model"),
        (infer_body("(self, x: list[object]) -> list[Model]", "return x"), ":16: infer: ", "has no form in JSON"),
        (infer_body(IMAGES, "return [[]] * (len(images) + 1)"), ":16: infer: ", "returned 2 results for 1 inputs"),
        (infer_body(IMAGES, "return None"), ":16: infer: ", "returned None"),
        (infer_body(IMAGES, "return [[Guess(label='a', score=float('nan'))]]"), ":16: infer: ", "NaN"),
        (infer_body(IMAGES, "return [{'a': 1} for _ in images]"), ":16: infer: ", "which its annotation does not say"),
        (infer_body(IMAGES, "return [1 / 0 for _ in images]"), ":17: infer: ", "ZeroDivisionError"),
        ("class Mine(Model):\n    async def infer(self, x: list[int]) -> list[int]:\n        return x\n", ":16: infer: ", "plain function"),
        ("class Mine(Model):\n    def load(self, ctx):\n        open(ctx.folder / 'none')\n    def infer(self, x: list[int]) -> list[int]:\n        return x\n", ":17: load: ", "No such file"),
        ("class Mine(Model):\n    name = 'a' + 'b'\n    def infer(self, x: list[int]) -> list[int]:\n        return x\n", "Mine", "plain strings"),
        ("class Mine(Model):\n    name = 'No Name'\n    def infer(self, x: list[int]) -> list[int]:\n        return x\n", "Mine", "a-z, 0-9 and dashes"),
        ("class Mine(Model):\n    media_types = 'text/plain'\n    def infer(self, x: list[bytes]) -> list[int]:\n        return x\n", "Mine", "a list of strings"),
        ("class P(BaseModel):\n    model: str = ''\nclass Mine(Model):\n    def infer(self, x: list[int], p: list[P]) -> list[int]:\n        return x\n", ":18: infer: ", "'model'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_line_and_hook(tmp_path: Path, code, where, what):
    told = refused(tmp_path / "mine", code)
    assert where in told
    assert what in told


def test_a_failure_on_one_input_names_the_hook_to_clients_and_the_place_to_the_log(tmp_path: Path):
    body = "return [[Guess(label='s3cret', score=1 / i.getpixel((0, 0))[0])] for i in images]"
    model = loaded(tmp_path / "mine", infer_body(IMAGES, body))
    with pytest.raises(HookFailed) as caught:
        result(model, GREEN)
    assert str(caught.value) == "The model failed in its `infer`; the worker's log has the reason."
    assert "model.py:17: infer: ZeroDivisionError" in "".join(caught.value.__notes__)
    assert caught.value.code == "model_failed"


@pytest.mark.parametrize(
    ("data", "code"), [(b'{"x": "much"}', "invalid_input"), (b"[", "invalid_input")]
)
def test_what_only_the_class_can_tell_is_told_too(tmp_path: Path, data: bytes, code: str):
    model = loaded(
        tmp_path / "mine",
        "class Row(BaseModel):\n    x: float\n"
        + infer_body("(self, rows: list[Row]) -> list[float]", "return [r.x for r in rows]"),
    )
    with pytest.raises(InferqError) as caught:
        result(model, data)
    assert caught.value.code == code


def test_names_are_read_without_running_code(tmp_path: Path):
    trap = code_folder(tmp_path / "trap", CLASSIFIER + "raise SystemExit('was run')\n")
    assert identify(trap).reference == "trap@1"
    assert find_models(["trap"], tmp_path) == [trap]
    assert trap in find_models([], tmp_path)
    check_folders([str(trap)], None)


def test_a_card_counts_more_than_code_beside_it(tmp_path: Path):
    from inferq.models.catalogue import bundled_folder

    shutil.copytree(bundled_folder(), tmp_path / "net")
    (tmp_path / "net" / "model.py").write_text("raise SystemExit('was run')")
    (model,) = load_models([tmp_path / "net"], Context())
    assert model.about.name == "ssdlite-mobilenet-v2-coco"


def test_a_class_of_a_module_is_found_from_the_current_folder(tmp_path: Path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    code_folder(tmp_path, CLASSIFIER.replace("Flowers", "WildFlowers"))
    (tmp_path / "model.py").rename(tmp_path / "own_classes.py")
    (home,) = find_models(["own_classes:WildFlowers"], None)
    (model,) = load_models([home], Context())
    assert model.about.reference == "wild-flowers@1"
    for wrong, what in (("own_classes:Nix", "no class Nix"), ("nix:Nix", "cannot be imported")):
        with pytest.raises(SetupError, match=what):
            load_models(find_models([wrong], None), Context())


def test_files_beside_model_py_can_be_imported_but_not_two_of_one_name(tmp_path: Path):
    for name in ("one", "two"):
        folder = code_folder(
            tmp_path / name, f"from lib_{name} import double\nimport shared_{{}}\n"
        )
        (folder / f"lib_{name}.py").write_text("def double(x):\n    return 2 * x\n")
        (folder / "shared_lib.py").write_text("VALUE = 1\n")
        (folder / "model.py").write_text(
            (folder / "model.py").read_text().replace("shared_{}", "shared_lib")
            + infer_body("(self, x: list[int]) -> list[int]", "return [double(i) for i in x]")
        )
    (model,) = load_models([tmp_path / "one"], Context())
    assert json.dumps(result(model, b"4")["data"]) == "8"
    with pytest.raises(SetupError, match="rename one of them"):
        load_models([tmp_path / "two"], Context())
