import json
import subprocess
import sys
from importlib import import_module

import pytest
import typer
from typer.main import get_group
from typer.testing import CliRunner

from inferq import __version__
from inferq.cli import FILES, app


def inferq(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "inferq", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_server_predict_says_so_and_exits_with_3(photo_files):
    done = inferq("predict", str(photo_files["chelsea"]), "--url", "http://127.0.0.1:1")
    assert done.returncode == 3
    assert "No inferq server answers at http://127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "/nonesuch.jpg"],
        ["predict"],
        ["nonesuch"],
        ["api"],
        ["worker"],
        ["api", "--host", "0.0.0.0"],
    ],
)
def test_wrong_usage_and_missing_settings_exit_with_2(arguments: list[str]):
    done = inferq(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_says_what_is_wrong_and_exits_with_1():
    done = inferq("doctor", "--url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "ok    model     ssdlite-mobilenet-v2-coco@1 is whole" in done.stdout
    assert "WRONG server    No inferq server answers" in done.stdout


def test_the_openapi_document_is_printed_without_any_server():
    document = json.loads(inferq("openapi").stdout)
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/predictions" in document["paths"]


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import inferq", {"pydantic", "httpx2", "numpy", "celery", "fastapi", "redis"}),
        (
            "from inferq import AsyncClient, Client",
            {"numpy", "celery", "fastapi", "redis", "PIL", "onnxruntime"},
        ),
        ("import inferq.api.app", {"onnxruntime"}),
    ],
)
def test_imports_stay_light(statement: str, heavy: set[str]):
    program = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not heavy & set(done.stdout.split())


def test_every_command_can_be_asked_for_its_help():
    runner = CliRunner()
    listed = runner.invoke(app, ["--help"]).output
    for name, file in FILES.items():
        assert name in listed
        assert runner.invoke(app, [name, "--help"]).exit_code == 0, name
        commands = typer.Typer()
        import_module(f"inferq.cli.{file}").add_commands(commands)
        assert set(get_group(commands).commands) <= set(FILES), file


def test_a_slip_is_told_with_the_command_that_was_meant():
    done = inferq("predcit", "photo.jpg")
    assert done.returncode == 2
    assert "Did you mean 'predict'?" in done.stderr


def test_the_version_is_told():
    assert inferq("--version").stdout.strip() == __version__
