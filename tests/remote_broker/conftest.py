from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.broker import Broker, BrokerFiles, run_broker
from tests.support.issuers import JwksServer, find_token_parts, serve_jwks


@pytest.fixture(scope="module")
def keys() -> Iterator[JwksServer]:
    with serve_jwks() as published:
        yield published


@pytest.fixture(scope="module")
def make_files(keys: JwksServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], BrokerFiles]]:
    """Make the files of a broker. After the tests no file contains a token or a part of one."""
    created: list[BrokerFiles] = []

    def make() -> BrokerFiles:
        created.append(BrokerFiles(tmp_path_factory.mktemp("broker"), keys))
        return created[-1]

    yield make
    for files in created:
        # All tokens in these tests are JSON Web Tokens: those of Forge and those of CI.
        assert not find_token_parts(files.all_bytes()), files.root


@pytest.fixture(scope="module")
def broker(make_files: Callable[[], BrokerFiles]) -> Iterator[Broker]:
    """One broker for the tests of a module; each test delivers the tokens that it needs."""
    with run_broker(make_files()) as broker:
        yield broker


@pytest.fixture
def files(make_files: Callable[[], BrokerFiles]) -> BrokerFiles:
    """Files that no broker has used yet."""
    return make_files()
