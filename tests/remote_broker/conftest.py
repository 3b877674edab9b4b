from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.broker import Broker, Place, running
from tests.support.issuers import KeyClaims, parts_of_tokens, publishing


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyClaims]:
    with publishing() as published:
        yield published


@pytest.fixture(scope="module")
def places(keys: KeyClaims, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Place]]:
    """Make a place for a broker; afterwards no token is in anything that was written there, whole or in its parts."""
    made: list[Place] = []

    def make() -> Place:
        made.append(Place(tmp_path_factory.mktemp("broker"), keys))
        return made[-1]

    yield make
    for place in made:
        # Every token of these tests, of Forge's and of CI's, is a JSON Web Token.
        assert not parts_of_tokens(place.everything()), place.root


@pytest.fixture(scope="module")
def broker(places: Callable[[], Place]) -> Iterator[Broker]:
    """One broker for the tests of a module: each brings what it needs."""
    with running(places()) as started:
        yield started


@pytest.fixture
def fresh(places: Callable[[], Place]) -> Place:
    """A place where no broker has run."""
    return places()
