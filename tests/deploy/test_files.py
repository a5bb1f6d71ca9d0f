"""The files of a deployment, read: no container engine is needed to see that they fit together."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import require
from deploy.compose_file import FILE, ROOT, VARIABLE, read, start_order, variables
from deploy.dockerfile import copied, read_stages
from inferq.settings import PREFIX, Settings

DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
EXAMPLE = FILE.with_name(".env.example")
BIN = Path(sys.executable).parent


def documented() -> dict[str, str]:
    """The variables of `.env.example` with their defaults."""
    return dict(re.findall(r"(?m)^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text()))


def test_the_dockerfile_is_clean():
    hadolint = BIN / "hadolint"
    require(hadolint.exists(), "hadolint")
    command = [hadolint, "--failure-threshold", "style", DOCKERFILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_the_dockerfile_copies_is_in_a_fresh_clone():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    sources = set(copied(read_stages(DOCKERFILE)))
    assert {"src", "web", "requirements"} <= sources
    for source in sources:
        assert any(path == source or path.startswith(f"{source}/") for path in listed), source


@pytest.mark.parametrize("path", [FILE, ROOT / "compose.yaml"], ids=["deploy", "root"])
def test_the_compose_files_follow_the_specifications_schema(path: Path):
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_root_file_starts_the_one_of_the_deployment():
    root = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert [ROOT / path for path in root["include"]] == [FILE]


def test_every_variable_of_the_example_is_used_and_every_one_used_is_there_with_its_default():
    used = dict(variables(FILE.read_text()))
    assert documented() == used
    assert VARIABLE.sub("", FILE.read_text()).count("$") == 0
    named = {name for name in used if name.startswith(PREFIX)} - {"INFERQ_VERSION"}
    assert named <= {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}


def test_whoever_mounts_a_file_of_the_clone_finds_it():
    mounted = [
        line.partition(":")[0]
        for service in read()["services"].values()
        for line in service.get("volumes", ())
        if line.startswith(".") and not line.startswith(("./models:", "./tls:"))
    ]
    assert mounted
    for source in mounted:
        assert (FILE.parent / source).exists(), source


def test_what_is_published_is_so_on_loopback_alone_but_for_nginx_with_tls():
    ports = {name: service.get("ports") for name, service in read()["services"].items()}
    published = {name: told for name, told in ports.items() if told}
    assert published == {
        "nginx": ["127.0.0.1:80:8080"],
        "nginx-tls": ["443:8443"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "flower": ["127.0.0.1:5555:5555"],
    }


def test_nothing_of_ours_can_write_to_its_root_or_gain_rights():
    for name in ("setup", "demo", "api", "worker", "nginx", "nginx-tls", "flower"):
        service = read()["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_everything_starts_behind_what_it_needs():
    services = read()["services"]
    plain = start_order(services, [])
    assert set(plain) == {"setup", "rabbitmq", "redis", "api", "worker", "nginx"}
    assert plain[0] == "setup"
    assert plain.index("api") > max(plain.index("rabbitmq"), plain.index("redis"))
    assert plain[-1] == "nginx"
    demo = start_order(services, ["demo", "tls"])
    assert demo.index("setup") < demo.index("demo") < demo.index("api") < demo.index("nginx-tls")


def test_the_page_of_deployment_names_every_variable_and_no_other():
    page = (ROOT / "docs/deploy.md").read_text()
    for name in documented():
        assert f"`{name}`" in page, name
    named = set(
        re.findall(
            r"\b(INFERQ_[A-Z_]+|[A-Z]+_(?:PORT|DIR|MEMORY|CPUS|REPLICAS|SUBNET|TARGET))\b", page
        )
    )
    fields = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    known = documented().keys() | fields | {f"{field}_FILE" for field in fields}
    assert named <= known
