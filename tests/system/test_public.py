"""A deployment that others can reach: no demo account, nothing without a credential."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
import redis

from inferq.accounts.setup import ensure_demo
from inferq.accounts.store import AccountStore
from system.served import Served, eventually, free_port

SESSION = "/api/v1/auth/session"
DEMO = {"username": "ml_user", "password": "CBSy3NaBMxLF"}


@pytest.mark.timeout(200)
def test_bound_to_a_public_address_nobody_gets_in_but_the_first_admin(
    valkey_url: str, state: redis.Redis, tmp_path: Path
):
    ensure_demo(AccountStore(state))  # left by an earlier start on loopback
    port = free_port()
    environment = os.environ | {
        "INFERQ_HOST": "0.0.0.0",
        "INFERQ_PORT": str(port),
        "INFERQ_REDIS_URL": valkey_url,
        "INFERQ_DATA_DIR": str(tmp_path),
        "INFERQ_ALLOWED_HOSTS": "inferq.example",
        "INFERQ_PUBLIC_URL": "https://inferq.example",
    }
    log = tmp_path / "api.log"
    with log.open("wb") as output:
        api = subprocess.Popen(
            [sys.executable, "-m", "inferq", "api"], env=environment, stderr=output, stdout=output
        )
    healthchecks = [
        [sys.executable, "-m", "inferq", "api", "--healthcheck"],
        [sys.executable, "-m", "inferq.api.liveness"],
    ]
    url, headers = f"http://127.0.0.1:{port}", {"Host": "inferq.example"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=20) as client:
            eventually(lambda: _answers(client), seconds=120)
            eventually(lambda: "The first user is 'admin'" in log.read_text(), seconds=60)
            refused = client.get("/api/v1/predictions")
            told = (refused.status_code, refused.headers["WWW-Authenticate"])
            assert told == (401, "Bearer")
            assert client.get(SESSION).json() == {"user": None, "demo": None}
            assert client.post(SESSION, json=DEMO).status_code == 401
            assert AccountStore(state).user("ml_user") is None
            password = re.search(r"with the password (\S+)", log.read_text())[1]
            admin = client.post(SESSION, json={"username": "admin", "password": password})
            assert admin.json()["scopes"] == ["admin", "predict", "read"]
        for healthcheck in healthchecks:
            assert subprocess.run(healthcheck, env=environment, check=False).returncode == 0
    finally:
        api.terminate()
        api.wait(30)
    for healthcheck in healthchecks:
        gone = subprocess.run(
            healthcheck, env=environment, check=False, capture_output=True, text=True
        )
        assert (gone.returncode, "does not answer" in gone.stderr) == (1, True)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


@pytest.mark.timeout(300)
def test_inferq_up_on_a_public_address_has_no_demo_account_and_no_local_key(tmp_path: Path):
    environment = {
        "INFERQ_ALLOWED_HOSTS": "inferq.example",
        "INFERQ_PUBLIC_URL": "https://inferq.example",
        "INFERQ_ADMIN_PASSWORD": "correct horse battery",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        server = Served(tmp_path / "data", "--host", "0.0.0.0").ready()
    try:
        assert "open       https://inferq.example" in server.output
        assert not (server.data_dir / "local.key").exists()
        with httpx.Client(base_url=server.url, headers={"Host": "inferq.example"}) as client:
            assert client.get("/api/v1/models").status_code == 401
            assert client.post(SESSION, json=DEMO).status_code == 401
            admin = {"username": "admin", "password": "correct horse battery"}
            assert client.post(SESSION, json=admin).is_success
    finally:
        server.stop()
    # The same data directory on loopback, and back again.
    users = [sys.executable, "-m", "inferq", "users", "list", "--data-dir", str(server.data_dir)]
    again = Served(server.data_dir).ready()
    try:
        with again.client() as client:
            assert client.models()
        assert (server.data_dir / "local.key").stat().st_mode & 0o777 == 0o600
        listed = subprocess.run(users, capture_output=True, text=True, check=True).stdout
        assert re.findall(r"(?m)^ *(\w+) +(user|admin)", listed) == [
            ("admin", "admin"),
            ("ml_user", "user"),
        ]
    finally:
        again.stop()
