"""A model folder of code: what its `model.py` says without being run, and the class that running it gives.

Code is run only when a model is loaded, and only from where an operator pointed: a folder or class that was named, or
a folder of INFERQ_MODELS_DIR.
"""

import ast
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from inferq.errors import SetupError
from inferq.models.base import Model

CODE_FILE = "model.py"
NAME_CHARACTERS = 64
PUBLIC_NAME = "Model"
SAID_LINES = 3
TEST_FILES = ("test_*.py", "conftest.py")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a model is called."""

    name: str
    version: str

    @property
    def reference(self) -> str:
        """The model's full name: `name@version`."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class ClassPath:
    """A class in an importable module, as `module:Class` names it."""

    module: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "ClassPath | None":
        """What `module:Class` names; None for any other text."""
        module, colon, name = text.partition(":")
        parts = [*module.split("."), name]
        return cls(module, name) if colon and all(map(str.isidentifier, parts)) else None

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"

    def folder(self) -> Path:
        """Where its module lies, if it lies below the current folder; else the current folder."""
        path = Path(*self.module.split(".")).absolute()
        return path if path.is_dir() else path.parent if path.parent.is_dir() else Path.cwd()

    @property
    def default_name(self) -> str:
        """What its model is called where the class does not say: `BigFlowers` is `big-flowers`."""
        return model_name(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", self.name))


def model_name(text: str) -> str:
    """A model's name made of any text; empty where nothing of it can be in one."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_CHARACTERS].strip("-")


def default_name(folder: Path) -> str:
    """What a folder's model is called where its class does not say.

    Raises:
        SetupError: The folder's name holds no letter or digit.
    """
    name = model_name(folder.resolve().name)
    if not name:
        raise SetupError(f"{folder} makes no name; give the class in {CODE_FILE} a `name`.")
    return name


def read_identity(folder: Path) -> Identity:
    """The name and version of a folder's model, read off its `model.py`, which is not run.

    Raises:
        SetupError: It is not valid Python.
    """
    path = folder / CODE_FILE
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise SetupError(f"{path}:{error.lineno}: {error.msg}.") from error
    except ValueError as error:
        raise SetupError(f"{path} is no Python: {error}.") from error
    said: dict[str, str] = {}
    for found in _model_classes(tree):
        said |= _plain_strings(found)
    return Identity(said.get("name") or default_name(folder), said.get("version", Model.version))


def import_folder(folder: Path) -> type[Model]:
    """Runs a folder's `model.py` and returns its one class that extends `Model`.

    The folder is put on the path, so that files beside `model.py` can be imported.

    Raises:
        SetupError: It raises, holds no such class or several, or a file beside it has the name of another model's.
    """
    path = (folder / CODE_FILE).resolve()
    module_name = f"inferq_model_{sha256(bytes(path)).hexdigest()[:16]}"
    _refuse_clashes(path.parent)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None, "it ends in .py"  # noqa: S101 - narrows the type
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise SetupError(f"{place_of(error, path.parent) or path}: {describe(error)}") from error
    return _only_class(module, path)


def import_class(path: ClassPath) -> type[Model]:
    """Imports the class that `module:Class` names, also from the current folder.

    Raises:
        SetupError: There is no such module or class, importing it raises, or it does not extend `Model`.
    """
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(path.module)
    except Exception as error:
        where = place_of(error, Path.cwd())
        raise SetupError(
            f"{path}: {path.module} cannot be imported: {f'{where}: ' if where else ''}{describe(error)}"
        ) from error
    found = getattr(module, path.name, None)
    if not isinstance(found, type) or not issubclass(found, Model) or found is Model:
        raise SetupError(f"{path}: {path.module} has no class {path.name} that extends Model.")
    return found


def describe(error: BaseException) -> str:
    """An exception in one line: its class and the beginning of what it says."""
    lines = f"{type(error).__name__}: {error}".splitlines()
    return " ".join(line.strip() for line in lines[:SAID_LINES])


def place_of(error: BaseException, folder: Path) -> str | None:
    """The innermost `file:line` of a folder's own code that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    return f"{own[-1].filename}:{own[-1].lineno}" if own else None


def _model_classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """The classes of a file that extend `Model`, directly or by one of the others, in their order."""
    known = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "inferq"
        for alias in node.names
        if alias.name == PUBLIC_NAME
    }
    known |= {
        f"{alias.asname or alias.name}.{PUBLIC_NAME}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "inferq"
    }
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        if known & {ast.unparse(base) for base in node.bases}:
            known.add(node.name)
            yield node


def _plain_strings(found: ast.ClassDef) -> dict[str, str]:
    """The attributes of a class that are given as plain strings in its body."""
    said: dict[str, str] = {}
    for node in found.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        value = getattr(node, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            said |= {each.id: value.value for each in targets if isinstance(each, ast.Name)}
    return said


def _only_class(module: ModuleType, path: Path) -> type[Model]:
    own = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Model) and each.__module__ == module.__name__
    ]
    last = [each for each in own if not any(each in other.__mro__[1:] for other in own)]
    if not last:
        raise SetupError(
            f"{path} holds no class that extends Model: from inferq import Model; class Mine(Model): …"
        )
    if len(last) > 1:
        names = ", ".join(each.__name__ for each in last)
        raise SetupError(
            f"{path} holds several models: {names}. Give each a folder, or name one as module:Class."
        )
    return last[0]


def _refuse_clashes(folder: Path) -> None:
    """Two folders' files of one name cannot both be imported: the second would silently be the first."""
    tests = {found for pattern in TEST_FILES for found in folder.glob(pattern)}
    for file in sorted(set(folder.glob("*.py")) - tests):
        known = getattr(sys.modules.get(file.stem), "__file__", None)
        if file.name != CODE_FILE and known is not None and Path(known).resolve() != file:
            raise SetupError(
                f"{file} has the name of {known}, which is imported already; rename one of them."
            )
