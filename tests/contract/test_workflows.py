"""What the workflows run is there: targets of make, scripts, stages of the Dockerfile. zizmor sees to the rest."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def jobs(workflow: Path) -> list[dict]:
    return list(yaml.safe_load(workflow.read_text())["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_is_there(workflow: Path):
    makefile = (ROOT / "Makefile").read_text()
    for job in jobs(workflow):
        for step in job.get("steps", ()):
            for word in step.get("run", "").split():
                if re.match(r"\.ci/|tools/", word):
                    assert (ROOT / word).is_file(), word
            if step.get("run", "").startswith("make "):
                for target in step["run"].split()[1:]:
                    assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()


def test_every_image_of_the_dockerfile_is_built_and_pushed():
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    images = set(re.findall(r"^FROM base AS (\S+)", dockerfile, re.MULTILINE))
    build, push = (
        job["strategy"]["matrix"] for job in jobs(ROOT / ".github/workflows/images.yml")[1:]
    )
    assert images == set(build["target"]) == {row["target"] for row in push["include"]}
    assert {"api", "worker"} <= images
