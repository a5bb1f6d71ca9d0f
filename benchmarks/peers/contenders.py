"""Who is measured: how each is started, in which environment, and how its clients get results."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calls import Caller, Direct, Inferq, Polled
from site_ import HERE, Site

Call = Callable[[Site, Sequence[bytes]], Caller]
HERE_PYTHON = sys.executable
INFERQ = ((HERE_PYTHON, "-m", "inferq", "up", "--port", "{port}", "--data-dir", "{folder}/data"),)
STORE_PARTS = {"valkey-server": "store", "redis-server": "store"}
BROKER_PARTS = {"rabbitmq": "broker", "epmd": "broker"}
INFERQ_PARTS = STORE_PARTS | {
    "inferq worker": "model",
    "inferq api": "HTTP",
    "inferq up": "supervisor",
}


def python(name: str) -> str:
    """The interpreter of a contender's own environment."""
    return str(HERE / ".venvs" / name / "bin" / "python")


def direct(path: str, form_field: str | None = None) -> Call:
    """One request a result."""
    return lambda site, photos: Direct(site.url, path, photos, form_field)


def inferq(*, wait: bool) -> Call:
    """inferq's own client side."""

    def make(site: Site, photos: Sequence[bytes]) -> Caller:
        key = (site.folder / "data" / "local.key").read_text().strip()
        return Inferq(site.url, key, photos, wait=wait)

    return make


def tutorial(site: Site, photos: Sequence[bytes]) -> Caller:
    """Asks every three seconds."""
    return Polled(site.url, "/detect", photos, None, look="/result", fetch=None, every=3.0)


def bentoml_task(site: Site, photos: Sequence[bytes]) -> Caller:
    """Asks four times a second: there is nothing that would tell, and asking costs the server, too."""
    return Polled(
        site.url, "/later/submit", photos, "photo",
        look="/later/status", fetch="/later/get", every=0.25,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contender:
    """One design under the same load.

    Attributes:
        title: As results name it.
        promise: What its first answer to a client means.
        commands: What is started; `{port}` and `{folder}` are filled in.
        call: How a client gets a result, in a closed loop.
        later: The same where a rate is given, or a process is killed, if it differs.
        servers: Brokers and stores that it needs: `rabbitmq`, `redis`.
        environment: Variables for its processes.
        parts: Names of its processes by a word of their command lines.
        victims: Words of the command lines of what is killed; an empty one for the process that runs the model.
        least_seconds: So long at least a phase has to be to say anything.
        needs: The environment that has to be there.
    """

    title: str
    promise: str
    commands: tuple[tuple[str, ...], ...]
    call: Call
    later: Call | None = None
    servers: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    victims: tuple[str, ...] = ("",)
    least_seconds: float = 0.0
    needs: Path | None = None


ANSWER = "the answer is the result"
CELERY = (HERE_PYTHON, "-m", "celery", "-A")
UVICORN = (HERE_PYTHON, "-m", "uvicorn", "--port", "{port}", "--log-level", "warning")
BENTO = (python("bentoml"), "-m", "bentoml", "serve", "with_bentoml:Service", "--port", "{port}")
BENTO_ENVIRONMENT = {"BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": "{folder}"}
CONTENDERS: dict[str, Contender] = {
    "inferq": Contender(
        "inferq on Valkey (`inferq up`)",
        "202: it will reach one end",
        INFERQ,
        inferq(wait=True),
        later=inferq(wait=False),
        parts=INFERQ_PARTS,
        victims=("inferq worker", "inferq api"),
    ),
    "inferq-rabbitmq": Contender(
        "inferq on RabbitMQ + Redis",
        "202: it will reach one end",
        INFERQ,
        inferq(wait=True),
        later=inferq(wait=False),
        servers=("rabbitmq", "redis"),
        environment={"INFERQ_BROKER_URL": "{broker}", "INFERQ_REDIS_URL": "{redis}"},
        parts=INFERQ_PARTS | BROKER_PARTS,
        victims=("inferq worker", "inferq api"),
    ),
    "tutorial": Contender(
        "the tutorial's design (FastAPI + Celery, polling)",
        "202: a task id to ask for",
        (
            (*CELERY, "tutorial.queue", "worker", "-l", "warning", "-c", "{cpus}"),
            (*UVICORN, "tutorial:app"),
        ),
        tutorial,
        servers=("rabbitmq", "redis"),
        environment={"BROKER": "{broker}", "BACKEND": "{redis}"},
        parts={"celery": "model", "uvicorn": "HTTP"} | STORE_PARTS | BROKER_PARTS,
        victims=("", "uvicorn"),
        least_seconds=7.0,
    ),
    "celery": Contender(
        "FastAPI + Celery on Redis, nothing kept",
        ANSWER,
        (
            (
                *("nice", "-n", "10", *CELERY, "with_celery.queue", "worker", "-l", "warning"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ),
            (*UVICORN, "with_celery:app", "--no-access-log"),
        ),
        direct("/detect"),
        servers=("redis",),
        environment={"STORE": "{redis}", "FOLDER": "{folder}"},
        parts={"uvicorn": "HTTP"} | STORE_PARTS,
        victims=("", "uvicorn"),
    ),
    "fastapi": Contender(
        "plain FastAPI, thread pool", ANSWER, ((HERE_PYTHON, "with_fastapi.py"),), direct("/detect")
    ),
    "litserve": Contender(
        "LitServe, two workers",
        ANSWER,
        ((python("litserve"), "with_litserve.py"),),
        direct("/predict", "image"),
        needs=Path(python("litserve")),
    ),
    "litserve-batch": Contender(
        "LitServe, batching",
        ANSWER,
        ((python("litserve"), "with_litserve.py", "batch"),),
        direct("/predict", "image"),
        needs=Path(python("litserve")),
    ),
    "bentoml": Contender(
        "BentoML, service",
        ANSWER,
        (BENTO,),
        direct("/detect", "photo"),
        environment=BENTO_ENVIRONMENT,
        needs=Path(python("bentoml")),
    ),
    "bentoml-task": Contender(
        "BentoML, task API",
        "200: a task id to ask for",
        (BENTO,),
        bentoml_task,
        environment=BENTO_ENVIRONMENT,
        needs=Path(python("bentoml")),
    ),
    "mosec": Contender(
        "mosec",
        ANSWER,
        ((python("mosec"), "with_mosec.py"),),
        direct("/inference"),
        environment={
            "MOSEC_PORT": "{port}",
            "MOSEC_ADDRESS": "127.0.0.1",
            "MOSEC_PATH": "{folder}/mosec",
            "MOSEC_TIMEOUT": "60000",
            "MOSEC_LOG_LEVEL": "warning",
        },
        parts={"mosec/bin/mosec": "HTTP"},
        needs=Path(python("mosec")),
    ),
    "ray": Contender(
        "Ray Serve",
        ANSWER,
        ((python("ray"), "with_ray.py"),),
        direct("/detect"),
        environment={
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "disabled",
            "RAY_raylet_start_wait_time_s": "120",
            "RAY_TMPDIR": "{folder}",
        },
        parts={"ray::ServeReplica": "model", "ray::ProxyActor": "HTTP"},
        needs=Path(python("ray")),
    ),
}
