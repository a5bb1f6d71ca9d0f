"""Every setting of inferq, from `INFERQ_*` variables, `.env` and `INFERQ_<NAME>_FILE` secrets.

Nothing else in inferq reads the environment. Call `get_settings()`; it is read once a process.
"""

import json
import os
import re
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from inferq.errors import SetupError

PREFIX = "INFERQ_"
RATE = re.compile(r"[1-9]\d{0,8}/(second|minute|hour|day)")
Signature = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Of the asymmetric ones all: with the others, whoever may check a token could make one."""
TLS_SCHEMES = ("amqps", "rediss", "rediss+sentinel")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}  # noqa: S104 - compared with
"""How this machine itself reaches what listens on these addresses."""


def _rate(text: str) -> str:
    """A rate as `limits` reads it, checked."""
    if RATE.fullmatch(text) is None:
        raise ValueError("has to be a number per second, minute, hour or day, as in 20/minute")
    return text


class FileSecretSource(PydanticBaseSettingsSource):
    """Reads `INFERQ_<NAME>_FILE`: the path of a file that holds the setting's value."""

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The file's text without the newline at its end, or nothing where no file is named.

        Raises:
            SetupError: The file cannot be read.
        """
        variable = f"{PREFIX}{field_name}_FILE".upper()
        path = os.environ.get(variable)
        try:
            value = Path(path).read_text(encoding="utf-8").rstrip("\r\n") if path else None
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"{variable}: {path} cannot be read ({error}).") from error
        return value, field_name, False

    @override
    def __call__(self) -> dict[str, Any]:
        """All values given by files, by field name."""
        found = {
            name: self.get_field_value(f, name)[0]
            for name, f in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """What an operator can set; every field has a default under which `inferq up` works."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True
    )

    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that the API listens on.")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("inferq"),
        description="Where `inferq up` keeps Valkey's files, inputs and logs of its own.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="State store and Celery result backend: `redis://`, `rediss://` (TLS), `redis+socket://`, or"
        " `redis+sentinel://:password@host1:26379,host2:26379/0?service=NAME` (`rediss+sentinel://` with TLS;"
        " `&sentinel_password=` where the sentinels have one). Unset, `inferq up` starts a Valkey of its own.",
    )
    broker_url: SecretStr | None = Field(
        None,
        description="Celery broker: `amqp://`, `amqps://` (TLS), or as `INFERQ_REDIS_URL`, which serves where this is unset.",
    )
    tls_ca_file: Path | None = Field(
        None,
        description="Certificates (PEM) that the servers of `amqps://`, `rediss://` and `rediss+sentinel://` may be"
        " signed by. Unset, the system's. Their names are checked, too.",
    )
    tls_cert_file: Path | None = Field(
        None, description="Our own certificate (PEM), for servers that ask their clients for one."
    )
    tls_key_file: Path | None = Field(
        None, description="The key (PEM) of that certificate; unset, it is in the same file."
    )
    storage_url: str | None = Field(
        None,
        description="Where inputs lie: `file:///mnt/nas/inferq`, `s3://bucket/prefix`, `webhdfs://host:9870/inferq`,"
        " `hdfs://`, `gs://`, `az://`, or any other URL of fsspec. Unset, `<data dir>/storage`.",
    )
    storage_endpoint: str | None = Field(
        None,
        description="URL of the server of an `s3://` or `gs://` storage that is not the cloud's own"
        " (`https://s3.example:9000`), or host name of an `az://` one.",
    )
    storage_key: SecretStr | None = Field(
        None,
        description="Access key (`s3://`), account (`az://`) or user (`webhdfs://`, `hdfs://`). Unset, what the protocol's"
        " own library finds (`AWS_ACCESS_KEY_ID`, roles of the machine …).",
    )
    storage_secret: SecretStr | None = Field(
        None,
        description="Secret key (`s3://`), account key (`az://`), password (`webhdfs://`) or path of the key file"
        " (`gs://`).",
    )
    storage_options: Annotated[dict[str, Any], NoDecode] = Field(
        {},
        repr=False,
        description='JSON object of further options for fsspec\'s file system (`{"client_kwargs": {"verify": false}}`).',
    )
    storage_timeout: timedelta = Field(
        timedelta(seconds=10),
        gt=timedelta(0),
        description="How long one file may take to be written or read, with its retries, before the storage counts as"
        " away. Has to be shorter than `INFERQ_ATTEMPT_TIMEOUT`.",
    )
    storage_fsync: bool = Field(
        False,
        description="Whether an input is on the disk before it is accepted, so that it outlasts a power cut (`file://`).",
    )
    valkey_bin: Path | None = Field(
        None, description="Server binary that `inferq up` starts (Valkey, or Redis 7 and later)."
    )
    models_dir: Path | None = Field(
        None, description="Folder whose model folders are served. Unset, `<data dir>/models`."
    )
    models_catalogue: Path | None = Field(
        None,
        description="Catalogue of `inferq models fetch`, a TOML file. Unset, the one of the package.",
    )
    models_mirror: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Base URL that `inferq models fetch` takes weights from instead of the catalogue's URLs:"
        " `<base URL>/<name>-<version>/model.onnx`.",
    )
    default_model: str | None = Field(
        None,
        description="Model of a request that names none. Unset, the bundled one, or the first by name.",
    )
    providers: Annotated[tuple[str, ...], NoDecode] = Field(
        ("cpu",),
        min_length=1,
        description="ONNX Runtime execution providers in order of preference (`cuda,cpu`, `cuda:1,cpu`).",
    )
    concurrency: int | None = Field(
        None,
        ge=1,
        description="Predictions that one worker has in hand at once. Unset, one more than CPUs it may use"
        " (quotas of control groups count), so that each always has one to compute, or two batches of the model with the largest.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="Threads that one run of a network uses. Unset, what `inferq models tune` found, or 1:"
        " several runs side by side use CPUs better than several threads of one.",
    )
    parallel_runs: int | None = Field(
        None,
        ge=1,
        description="Runs of one network at once. Unset, what `inferq models tune` found, or as many as"
        " the CPUs have room for.",
    )
    batching: Literal["auto", "off", "always"] = Field(
        "auto",
        description="Whether predictions that wait are run together: where a worker measures at its start that it pays,"
        " never, or always as many as a model allows (`max_batch`).",
    )
    retention: timedelta = Field(
        timedelta(hours=48),
        description="How long a finished prediction is kept (seconds or ISO 8601).",
    )
    attempt_timeout: timedelta = Field(
        timedelta(seconds=60),
        description="How long one attempt may take before its worker is ended.",
    )
    max_attempts: int = Field(3, ge=1, description="Starts that a prediction gets before it fails.")
    queue_timeout: timedelta = Field(
        timedelta(hours=24),
        description="How long a prediction may wait in all before it fails instead of being started.",
    )
    drain_timeout: timedelta = Field(
        timedelta(seconds=25),
        description="How long a worker that is told to stop finishes what runs; the rest is put back."
        " Orchestrators should kill it no earlier than five seconds after that.",
    )
    max_queued: int = Field(
        100_000,
        ge=1,
        description="Predictions that may wait; 100,000 take about 250 MB of the state store.",
    )
    max_in_flight: int = Field(
        10_000, ge=1, description="Unfinished predictions that one owner may have."
    )
    min_free_disk_bytes: int = Field(
        512 * 2**20,
        ge=0,
        description="Free space below which uploads are refused and the oldest results go before their time"
        " (storage on a file system only).",
    )
    max_upload_bytes: int = Field(32 * 2**20, ge=1, description="Largest upload accepted.")
    max_pixels: int = Field(
        64_000_000, ge=1, description="Most pixels (width x height) of a picture accepted."
    )
    formats: Annotated[
        tuple[Literal["jpeg", "png", "webp", "bmp", "gif", "tiff", "heif"], ...], NoDecode
    ] = Field(
        ("jpeg", "png", "webp", "bmp", "gif", "tiff", "heif"),
        min_length=1,
        description="Formats of pictures that are accepted; `heif` is HEIC.",
    )
    worker_memory_bytes: int = Field(
        4 * 2**30,
        ge=0,
        description="Memory that a worker may take beyond what it has when its models are warm (Linux; 0: as much as"
        " there is). An input that needs more ends its attempt, and with its last one `failed`.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        LOOPBACK_HOSTS, description="Host names that requests may be addressed to, without ports."
    )
    public_url: str | None = Field(
        None,
        description="URL under which browsers reach the server, if a proxy changes it. With `https://`, cookies are"
        " for TLS alone, and browsers are told to keep to it (HSTS).",
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        (),
        description="Addresses and networks of proxies whose `X-Forwarded-For` or `Forwarded` is believed.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins of other sites (`https://app.example`) whose pages may use the API with a key.",
    )
    demo: bool | Literal["proxied"] | None = Field(
        None,
        description="Whether the tutorial's account `ml_user` exists. Unset, only with `inferq up` on loopback."
        " `proxied`: also behind `INFERQ_TRUSTED_PROXIES`, which must be published on loopback alone (Compose's"
        " profile `demo`).",
    )
    admin_password: SecretStr | None = Field(
        None,
        min_length=12,
        description="Password of the first user, `admin`. Unset, one is made up and printed once.",
    )
    session_lifetime: timedelta = Field(
        timedelta(hours=24), description="How long a browser stays signed in."
    )
    token_lifetime: timedelta = Field(
        timedelta(hours=1), description="How long an access token of `POST /auth/token` is valid."
    )
    oidc_issuer: str | None = Field(
        None,
        description="Issuer (OpenID Connect) whose access tokens are taken, too: `https://login.example/realm`, as its"
        " discovery document writes it.",
    )
    oidc_audience: str | None = Field(
        None, description="Audience (`aud`) that those tokens must be for; needed with an issuer."
    )
    oidc_algorithms: Annotated[tuple[Signature, ...], NoDecode] = Field(
        ("RS256", "ES256"), min_length=1, description="Signatures that those tokens may have."
    )
    oidc_admin: str | None = Field(
        None,
        pattern=r"^[^=]+=.+$",
        description="Claim and value that make a token an admin's (`groups=inferq-admins`). Unset, none is.",
    )
    sign_in_limit: Annotated[str, AfterValidator(_rate)] = Field(
        "20/minute", description="Attempts to sign in that one address has."
    )
    submit_limit: Annotated[str, AfterValidator(_rate)] | None = Field(
        None,
        description="Predictions that one credential, and one address, may send (`600/minute`). Unset, no more are"
        " refused than `INFERQ_MAX_IN_FLIGHT` does.",
    )
    webhook_url: str | None = Field(
        None, description="Where the ends of predictions are told that name no `callback_url`."
    )
    webhook_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Private networks that receivers of webhooks may lie in (`10.1.0.0/16,fd00:7::/64`).",
    )
    webhook_loopback: bool = Field(
        False,
        description="For development: receivers of webhooks on this machine, also by plain `http://`.",
    )
    webhook_ca_file: Path | None = Field(
        None,
        description="Certificates (PEM) that receivers of webhooks may be signed by, beside the system's.",
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="Log lines for people, for machines, or by whether standard error is a terminal.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level logged."
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port that Prometheus reads metrics from (`/metrics`), of each `inferq api` and `inferq worker`; of"
        " `inferq up` there is one for all. Unset, none.",
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="Address of that port. Who reaches it needs no credential; the metrics name models, never users or"
        " their files.",
    )
    celery_events: bool = Field(
        False,
        description="Whether workers tell Celery's monitors (`inferq flower`) of every task. It costs time: workers of tasks"
        " that do nothing got through a quarter fewer.",
    )
    otlp_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Collector (OTLP over HTTP, `http://127.0.0.1:4318`) that traces are sent to; needs the extra `otel`."
        " Headers, sampling and the rest are OpenTelemetry's own settings (`OTEL_*`). Unset, none are recorded.",
    )
    url: str | None = Field(
        None, description="Server that `inferq.Client` and `inferq predict` talk to."
    )
    api_key: SecretStr | None = Field(
        None, description="API key that `inferq.Client` and `inferq predict` send."
    )

    @field_validator(
        "providers",
        "formats",
        "allowed_hosts",
        "trusted_proxies",
        "cors_origins",
        "webhook_networks",
        "oidc_algorithms",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator(
        "retention",
        "attempt_timeout",
        "queue_timeout",
        "drain_timeout",
        "session_lifetime",
        "token_lifetime",
        "storage_timeout",
        mode="before",
    )
    @classmethod
    def _seconds(cls, value: object) -> object:
        return float(value) if isinstance(value, str) and value.isdigit() else value

    @field_validator("storage_options", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            # Not what the JSON error says: it would quote a secret.
            raise ValueError("has to be a JSON object") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - part of the hook's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, secret files, `.env`."""
        return init_settings, env_settings, FileSecretSource(settings_cls), dotenv_settings

    def state_url(self) -> str:
        """URL of the state store.

        Raises:
            SetupError: None is set; only `inferq up` brings one of its own.
        """
        if self.redis_url is None:
            raise SetupError(
                "INFERQ_REDIS_URL is not set. Name a Redis or Valkey server,"
                " or run `inferq up`, which starts one of its own."
            )
        return self._with_tls(self.redis_url)

    def queue_url(self) -> str:
        """URL of the broker: its own, or the state store's server.

        Raises:
            SetupError: Neither is set.
        """
        return self._with_tls(self.broker_url) if self.broker_url else self.state_url()

    def _with_tls(self, secret: SecretStr) -> str:
        """A server's URL, with TLS in redis-py's words: certificates are always checked, by our files where set."""
        url = secret.get_secret_value()
        parts = urlsplit(url)
        if parts.scheme not in TLS_SCHEMES:
            return url
        files = {
            "ssl_ca_certs": self.tls_ca_file,
            "ssl_certfile": self.tls_cert_file,
            "ssl_keyfile": self.tls_key_file if self.tls_cert_file else None,
        }
        wanted = {name: str(path) for name, path in files.items() if path}
        query = {"ssl_cert_reqs": "required"} | wanted | dict(parse_qsl(parts.query))
        return parts._replace(query=urlencode(query)).geturl()

    def blob_url(self) -> str:
        """URL of the storage of inputs."""
        return self.storage_url or (self.data_dir.absolute() / "storage").as_uri()

    @property
    def is_behind_tls(self) -> bool:
        """Whether browsers reach the server over TLS alone."""
        return (self.public_url or "").lower().startswith("https://")

    def tuned_folder(self) -> Path:
        """Where `inferq models tune` writes what it found best on this machine; it need not exist."""
        return self.data_dir.absolute() / "tuned"

    def models_folder(self) -> Path:
        """Where an operator's own model folders lie; it need not exist."""
        return (self.models_dir or self.data_dir / "models").absolute()


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
