"""What the start and `inferq doctor` say of a storage that cannot be used, in plain words."""

import re
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from inferq.api.app import serve
from inferq.cli import app
from inferq.errors import SetupError, StorageUnavailable
from inferq.safety import findings
from inferq.settings import Settings
from inferq.storage import Access, Storage, protocols
from inferq.storage.protocols import PROTOCOLS
from storage.conftest import PROTOCOLS as SERVED
from storage.conftest import SITES, Site
from storage.servers import free_port


def site_of(protocol: str, request: pytest.FixtureRequest) -> Site:
    made = SITES[protocol](request)
    site = next(made)
    request.addfinalizer(lambda: next(made, None))
    return site


@pytest.mark.parametrize(
    ("protocol", "access", "error", "words"),
    [
        ("s3", {"key": None, "secret": None}, SetupError, "no key.*INFERQ_STORAGE_KEY"),
        ("s3", {"endpoint": "http://storage.invalid:9000"}, StorageUnavailable, "no such host"),
        (
            "s3",
            {"endpoint": f"http://127.0.0.1:{free_port()}"},
            StorageUnavailable,
            "nothing listens",
        ),
        ("webhdfs", {"key": "nobody"}, SetupError, "may not write"),
    ],
)
def test_what_is_wrong_with_the_way_is_said(
    request: pytest.FixtureRequest, protocol: str, access: dict, error: type, words: str
):
    site = site_of(protocol, request)
    with pytest.raises(error, match=words) as caught:
        site.node(**access).prove()
    assert "INFERQ_STORAGE_URL" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InvalidAccessKeyId", "does not know the access key"),
        ("SignatureDoesNotMatch", "secret does not belong"),
        ("AccessDenied", "may not read, write"),
        ("RequestTimeTooSkewed", "clocks"),
    ],
)
def test_what_an_s3_server_refuses_is_said(request: pytest.FixtureRequest, code: str, words: str):
    site = site_of("s3", request)
    site.proxy.answer("403 Forbidden", f"<Error><Code>{code}</Code></Error>".encode())
    with pytest.raises(SetupError, match=words):
        site.node().prove()


def test_a_bucket_that_does_not_exist_is_named_and_not_made(request: pytest.FixtureRequest):
    site = site_of("s3", request)
    site.url = "s3://no-such-bucket-here/prefix"
    for _ in range(2):
        with pytest.raises(SetupError, match=r"no-such-bucket-here.*no such bucket"):
            site.node().prove()


def test_a_folder_that_may_not_be_written_is_said_so(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("inferq.storage.local.LocalFiles.pipe_file", refuse)
    with pytest.raises(SetupError, match="may not write"):
        Storage(tmp_path.as_uri()).prove()


@pytest.mark.parametrize("scheme", [name for name in PROTOCOLS if PROTOCOLS[name].package])
def test_a_missing_package_is_told_with_the_extra_that_brings_it(monkeypatch, scheme: str):
    monkeypatch.setattr(protocols, "find_spec", lambda _: None)
    with pytest.raises(SetupError, match=rf"pip install 'inferq\[{PROTOCOLS[scheme].extra}\]'"):
        Storage(f"{scheme}://somewhere/else")


def test_every_extra_that_is_told_exists_and_brings_the_package():
    from importlib.metadata import requires

    brought = {
        extra: re.match(r"[a-z0-9]+", line)[0]
        for line in requires("inferq")
        for extra in re.findall(r"extra == ['\"](\w+)['\"]", line)
        if extra in {protocol.extra for protocol in PROTOCOLS.values()}
    }
    assert brought == {row.extra: row.package for row in PROTOCOLS.values() if row.package}


def test_an_unknown_protocol_is_told_with_those_that_are_known():
    with pytest.raises(SetupError, match="no protocol ftps3://; known are file://, s3://"):
        Storage("ftps3://x/y")


def test_a_setting_that_the_protocol_has_no_use_for_is_told(tmp_path):
    with pytest.raises(SetupError, match="INFERQ_STORAGE_KEY means nothing to file://"):
        Storage(tmp_path.as_uri(), Access(key="k"))


def test_a_password_in_the_url_is_not_shown(request: pytest.FixtureRequest):
    site = site_of("webhdfs", request)
    site.access, site.url = {}, site.url.replace("//", "//inferq:hunter2@")
    assert "hunter2" not in site.node().prove()


def test_options_reach_the_file_system_and_are_no_secret_to_be_shown(monkeypatch):
    monkeypatch.setenv("INFERQ_STORAGE_OPTIONS", '{"proxy_to": "hunter2"}')
    monkeypatch.setenv("INFERQ_STORAGE_URL", "webhdfs://127.0.0.1:1/x")
    settings = Settings()
    assert Storage.of(settings)._fs.pars["doas"] == "hunter2"
    assert "hunter2" not in repr(settings)


def test_nothing_starts_with_a_storage_that_is_set_up_wrongly(tmp_path):
    settings = Settings(
        redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path, storage_url="nothing://x"
    )
    with pytest.raises(SetupError, match="INFERQ_STORAGE_URL"):
        serve(settings)


def test_the_storage_is_given_up_before_an_attempt_is():
    settings = Settings(storage_timeout=timedelta(seconds=60))
    assert "INFERQ_STORAGE_TIMEOUT" in {finding.setting for finding in findings(settings)}


def test_doctor_tells_of_the_storage(request: pytest.FixtureRequest, monkeypatch):
    for protocol in SERVED:
        site = site_of(protocol, request)
        with monkeypatch.context() as patch:
            for name, value in site.settings.items():
                patch.setenv(name, value)
            output = CliRunner().invoke(app, ["doctor", "--url", "http://127.0.0.1:1"]).output
            assert re.search(rf"ok +storage +{protocol}://", output), output
            patch.setenv("INFERQ_STORAGE_URL", "s3://no-such-bucket-here/x")
            patch.setenv("INFERQ_STORAGE_KEY", "x")
            output = CliRunner().invoke(app, ["doctor", "--url", "http://127.0.0.1:1"]).output
            assert re.search(r"WRONG +storage", output), output
