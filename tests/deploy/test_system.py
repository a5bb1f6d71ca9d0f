"""Images and Compose's system, run without a container engine: what a Dockerfile and a Compose file say, step by step."""

import io
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
import yaml

from deploy.compose_file import FILE
from deploy.dockerfile import Image
from deploy.engine import Engine
from deploy.load import Crowd, faults
from deploy.rolling import roll, scale_to_zero
from deploy.running import ORIGIN, SESSION, Up
from deploy.sandbox import Sandbox
from photos import jpeg
from system.served import eventually

DEMO = {"username": "ml_user", "password": "CBSy3NaBMxLF"}
COUNT, CLIENTS = 100, 8

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def up(images: dict[str, Image]) -> Iterator[Up]:
    with Engine(images, publishes=True) as engine:
        yield Up(engine)


def test_an_image_runs_as_nobody_in_particular_and_nothing_of_it_can_be_written_to(
    images: dict[str, Image], tmp_path: Path
):
    image = images["worker"]
    assert (image.user, image.entrypoint[:2]) == ("10001:10001", ("dumb-init", "--"))
    sandbox = Sandbox(
        image.layers, tmp_path, environment=image.environment, user=image.user,
        workdir=image.workdir, tmpfs=["/tmp"],  # noqa: S108 - inside
    )  # fmt: skip
    script = "id -u; touch /tmp/x && echo tmp; touch /data/x /opt/inferq/x; inferq doctor"
    done = sandbox.run(["sh", "-c", script])
    assert done.stdout.splitlines()[:2] == ["10001", "tmp"]
    assert done.stderr.count("Read-only file system") == 2
    assert "ssdlite-mobilenet-v2-coco@1 is whole" in done.stdout
    assert sandbox.run([*image.healthcheck]).returncode == 1


def test_the_first_sign_in_is_told_once_and_secrets_are_kept(up: Up):
    secrets = up.engine.volume("secrets-app")
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert up.engine.up() == ""
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o400}
    assert up.password == before["admin_password"].strip()


def test_all_processes_run_without_rights(up: Up):
    for container in up.engine.containers:
        status = Path(f"/proc/{container.init}/status").read_text()
        assert re.search(r"(?m)^Uid:\t(\d+)", status)[1] != "0", container.name
        assert re.search(r"(?m)^CapEff:\t0+$", status), container.name


def test_a_photograph_goes_through_nginx_and_its_end_is_pushed(up: Up):
    with up.signed_in() as client:
        posted = client.post(
            "/api/v1/predictions",
            files={"image": ("chelsea.jpg", io.BytesIO(jpeg("chelsea")))},
            headers={"Prefer": "wait=20"},
        )
        assert posted.json()["state"] == "succeeded", posted.text
        assert "cat" in {found["label"] for found in posted.json()["result"]["detections"]}
        preview = client.get(posted.json()["links"]["preview"])
        assert preview.headers["Content-Type"] == "image/webp"
        assert client.get("/api/docs").is_success


def test_events_and_long_polls_are_not_held_back_by_nginx(up: Up):
    """What is read comes while the stream stays open: nginx would keep it back until its buffers are full."""
    with up.signed_in() as client, up.signed_in() as other:
        with client.stream("GET", "/api/v1/events") as stream:
            lines = stream.iter_lines()
            assert any(line == "event: snapshot" for line in lines)
            task_id = other.post(
                "/api/v1/predictions",
                content=jpeg("coffee"),
                headers={"Content-Type": "image/jpeg"},
            ).json()["task_id"]
            assert any(line == "event: succeeded" for line in lines)
        answer = other.get(f"/api/v1/predictions/{task_id}", headers={"Prefer": "wait=30"})
        assert answer.headers["Preference-Applied"] == "wait=30"


def test_an_upload_reaches_the_api_as_it_is_sent(up: Up):
    """Its head alone makes the API refuse it; an nginx that buffers would wait for all of it first."""
    head = (
        f"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {up.key}\r\n"
        "Content-Type: image/jpeg\r\nContent-Length: 2000000000\r\n\r\n"
    )
    with socket.create_connection((up.engine.address("nginx"), 8080), timeout=20) as connection:
        connection.sendall(head.encode() + bytes(1024))
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413 ")


def test_both_apis_and_both_workers_have_work(up: Up):
    Crowd(up.engine, up.key, [jpeg("chelsea")]).run(24, clients=8, meanwhile={})
    for api in up.engine.of("api"):
        assert '"path":"/api/v1/predictions"' in api.process.output
    workers = [worker.sandbox.name for worker in up.engine.of("worker")]
    with up.signed_in() as client:
        (card,) = client.get("/api/v1/models").json()["items"]
    assert card["workers"] == len(workers) == 2


def test_each_process_tells_its_metrics_where_prometheus_looks_for_them(up: Up):
    (job, _) = yaml.safe_load((FILE.with_name("prometheus.yml")).read_text())["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    for service in found["names"]:
        for container in up.engine.of(service):
            url = f"http://{container.addresses['back']}:{found['port']}/metrics"
            assert "inferq_" in httpx.get(url, timeout=20).text


def test_a_client_is_known_by_its_own_address_whatever_it_says(up: Up):
    """Four wrong passwords from one address make it wait; another one is not held up."""
    url = f"http://{up.engine.address('nginx')}:8080{SESSION}"
    script = (
        "import sys, httpx2; from concurrent.futures import ThreadPoolExecutor; client = httpx2.Client(timeout=60);"
        "tell = lambda n: client.post(sys.argv[1], json={'username': 'ann', 'password': 'x' * 12},"
        " headers={'Host': 'localhost', 'X-Forwarded-For': f'9.9.9.{n}', 'Forwarded': f'for=9.9.9.{n}'}).status_code;"
        "print(sorted(ThreadPoolExecutor(6).map(tell, range(6))))"
    )
    with up.engine.client() as at_another_address:
        command = [*at_another_address, sys.executable, "-c", script, url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    # All at once: the wait is a second at first, less than one after another may take where the machine is busy.
    assert done.stdout.strip() == "[401, 401, 401, 401, 429, 429]"
    with up.client() as client:
        wrong = {"username": "ann", "password": "x" * 12}
        assert client.post(SESSION, json=wrong).status_code == 401


def test_without_an_api_nginx_answers_as_inferq_does(up: Up):
    for api in up.engine.of("api"):
        up.engine.kill(api)
    with up.client() as client:
        away = client.get("/api/v1/models")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "2")
    assert away.headers["Content-Type"] == "application/problem+json"
    assert away.json()["code"] == "server_unreachable"
    for api in up.engine.of("api"):
        eventually(up.engine.start(api).healthy, seconds=60)


def test_nothing_accepted_is_lost_while_parts_die(up: Up):
    with up.signed_in() as client:
        eventually(lambda: client.get("/readyz").json()["status"] == "ready", seconds=30)
    pictures = [jpeg(name) for name in ("chelsea", "coffee", "astronaut")]
    outcome = Crowd(up.engine, up.key, pictures).run(
        COUNT, clients=CLIENTS, meanwhile=faults(up.engine)
    )
    assert outcome.unclean == []
    assert len(set(outcome.accepted)) == outcome.known == COUNT
    assert outcome.states == {"succeeded": COUNT}


def test_nothing_is_lost_and_no_client_errs_while_apis_and_workers_are_restarted_in_turn(up: Up):
    rolled = roll(up.engine, up.key, [jpeg("chelsea")], clients=4)
    assert rolled.errors == []
    assert rolled.lost == 0
    assert [step.name for step in rolled.steps] == ["api-1", "api-2", "worker-1", "worker-2"]


def test_without_a_worker_it_says_so_and_goes_on_with_the_next_one(up: Up):
    assert len(scale_to_zero(up.engine, up.key, jpeg("chelsea"))) == 3


def test_what_waits_outlives_rabbitmqs_disk_and_ends_with_a_code_without_its_input(up: Up):
    workers = up.engine.of("worker")
    for worker in workers:
        up.engine.stop(worker)
    with up.signed_in() as client:
        kept, robbed = (
            client.post("/api/v1/predictions", files={"image": jpeg("chelsea")}).json()["links"][
                "self"
            ]
            for _ in range(2)
        )
        (stored,) = up.engine.volume("storage").rglob(f"*{robbed.rpartition('/')[2]}*")
        stored.unlink()
        wipe(up, "rabbitmq")
        for worker in workers:
            up.engine.start(worker)
        ends = [client.get(path, headers={"Prefer": "wait=30"}).json() for path in (kept, robbed)]
    assert [end["state"] for end in ends] == ["succeeded", "failed"]
    assert ends[1]["error"]["code"] == "input_missing"
    for worker in workers:
        eventually(worker.healthy, seconds=60)


def test_with_an_empty_redis_it_begins_anew_once_the_apis_were_started_again(up: Up):
    wipe(up, "redis")
    with up.signed_in() as client:
        assert eventually(lambda: _status(client, "/api/v1/predictions"), seconds=30) == 401
    for api in up.engine.of("api"):
        up.engine.stop(api)
        eventually(up.engine.start(api).healthy, seconds=60)
    with up.client() as client:
        admin = {"username": "admin", "password": up.password}
        assert client.post(SESSION, json=admin).is_success
        posted = client.post(
            "/api/v1/predictions", files={"image": jpeg("chelsea")}, headers={"Prefer": "wait=30"}
        )
        assert posted.json()["state"] == "succeeded"
        assert len(client.get("/api/v1/predictions").json()["items"]) == 1


def wipe(up: Up, service: str) -> None:
    """Stops a server, removes all that it has written, and starts it again."""
    (container,) = up.engine.of(service)
    up.engine.stop(container)
    for path in up.engine.volume(service).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    up.engine.start(container)
    eventually(container.healthy, seconds=60)


def _status(client: httpx.Client, path: str) -> int | None:
    """What a path is answered with; None while a part is away."""
    status = client.get(path).status_code
    return None if status == 503 else status


def test_the_demo_account_is_offered_by_its_profile_and_never_through_tls(up: Up):
    for service in ("api", "nginx"):
        for container in up.engine.of(service):
            up.engine.kill(container)
            up.engine.remove(container)
    tls = up.engine.folder / "made/tls"
    tls.mkdir(parents=True)
    certificate = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", "/CN=localhost", "-keyout", tls / "privkey.pem", "-out", tls / "fullchain.pem",
    ]  # fmt: skip
    subprocess.run(certificate, check=True, capture_output=True)
    (tls / "privkey.pem").chmod(0o644)
    up.engine.up("demo", "tls")
    with up.client() as client:
        assert client.get(SESSION).json()["demo"]
        assert client.post(SESSION, json=DEMO).status_code == 200
    url = f"https://{up.engine.address('nginx-tls')}:8443"
    with httpx.Client(base_url=url, headers=ORIGIN, verify=False) as client:
        assert client.get(SESSION).json()["demo"] is None
        assert client.post(SESSION, json=DEMO).status_code == 401
