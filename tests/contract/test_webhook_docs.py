"""The verification functions of docs/webhooks.md, each run against what inferq really signs."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conftest import require
from inferq.settings import Settings
from inferq.webhooks.signing import new_secret, signed_headers

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/webhooks.md").read_text()
BLOCKS = re.findall(r"^```(python|js)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
RUN = {
    "python": """
import sys
for line in sys.stdin:
    case = json.loads(line)
    try:
        print(json.dumps(verify(case["body"].encode(), case["headers"], case["secret"])))
    except Exception as error:
        print(json.dumps({"refused": str(error)}))
""",
    "js": """
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  const { body, headers, secret } = JSON.parse(line);
  try {
    console.log(JSON.stringify(verify(body, headers, secret)));
  } catch (error) {
    console.log(JSON.stringify({ refused: String(error) }));
  }
}
""",
}
BODY = '{"type":"prediction.succeeded","data":{"filename":"Überraschung 猫.jpg"}}'


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where JavaScript finds the packages of the web client's tests."""
    modules = ROOT / "web/node_modules"
    require(modules.is_dir(), "the web client's packages")
    made = Path(tempfile.mkdtemp(prefix=".docs-", dir=modules))
    yield made
    shutil.rmtree(made)


def case(*, secrets: list[str], held: str, age: timedelta = timedelta(0), sent: str = BODY) -> dict:
    """A request as it arrives at whoever holds a secret."""
    at = datetime.now(UTC) - age
    headers = signed_headers(BODY.encode(), webhook_id="1f_succeeded", at=at, secrets=secrets)
    return {"body": sent, "headers": headers, "secret": held}


@pytest.mark.parametrize(("language", "code"), BLOCKS, ids=[language for language, _ in BLOCKS])
def test_each_function_lets_pass_what_we_sign_and_nothing_else(
    folder: Path, language: str, code: str
):
    old, new, other = (new_secret() for _ in range(3))
    stolen = case(secrets=[new], held=new)
    stolen["headers"]["webhook-id"] = "2e_succeeded"
    cases = [
        case(secrets=[new], held=new),
        case(secrets=[new, old], held=old),
        case(secrets=[new], held=new, age=timedelta(minutes=4)),
        case(secrets=[new], held=other),
        case(secrets=[new], held=new, sent=BODY.replace("succeeded", "failed")),
        case(secrets=[new], held=new, age=timedelta(minutes=6)),
        case(secrets=[new], held=new, age=-timedelta(minutes=6)),
        stolen,
    ]
    script = folder / ("verify.py" if language == "python" else "verify.mjs")
    imports = "import json\n" if language == "python" else ""
    script.write_text(imports + code + RUN[language])
    program = sys.executable if language == "python" else shutil.which("node")
    require(program, "Node")
    lines = "".join(json.dumps(one) + "\n" for one in cases)
    done = subprocess.run(
        [str(program), script], input=lines, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[:3] == [json.loads(BODY)] * 3
    assert [list(answer) for answer in answers[3:]] == [["refused"]] * 5


def test_there_are_functions_for_both_languages_with_and_without_a_library():
    assert sorted(language for language, _ in BLOCKS) == ["js", "js", "python", "python"]


def test_every_setting_of_webhooks_is_told_of():
    settings = [name for name in Settings.model_fields if name.startswith("webhook_")]
    assert all(f"INFERQ_{name.upper()}" in PAGE for name in settings)
