"""What the tests of a deployment share."""

import shutil
from collections.abc import Iterator

import pytest

from conftest import require
from deploy.dockerfile import Image
from deploy.running import built_images
from deploy.sandbox import available


@pytest.fixture(scope="package")
def images() -> Iterator[dict[str, Image]]:
    """The images of the Dockerfile, and what stands for others."""
    require(available(), "root on Linux with namespaces and overlays")
    for server in ("nginx", "redis-server", "rabbitmq-server"):
        require(shutil.which(server), server)
    with built_images() as images:
        yield images
