from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_atlassian_forge.api.connection_pool import ConnectionPool
from pulumi_atlassian_forge.api.errors import Unreachable


class Connection:
    def __init__(self) -> None:
        self.users = 0
        self.most_users = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Maker:
    def __init__(self) -> None:
        self.made: list[Connection] = []

    def __call__(self) -> Connection:
        self.made.append(Connection())
        return self.made[-1]


def test_no_connection_has_two_users_and_there_are_no_more_than_allowed() -> None:
    make = Maker()
    connections = ConnectionPool(make, 4)

    def use(_: int) -> None:
        with connections.borrow(10) as connection:
            connection.users += 1
            connection.most_users = max(connection.most_users, connection.users)
            threading.Event().wait(0.0005)
            connection.users -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(use, range(400)))
    assert len(make.made) <= 4
    assert {connection.most_users for connection in make.made} == {1}


def test_the_warmest_connection_goes_out_first() -> None:
    make = Maker()
    connections = ConnectionPool(make, 4)
    with connections.borrow(1) as first, connections.borrow(1) as second:
        assert first is not second
    for _ in range(5):
        with connections.borrow(1) as again:
            assert again is first  # the outer block ended last
    assert len(make.made) == 2


def test_where_all_are_out_nobody_waits_for_ever() -> None:
    connections = ConnectionPool(Maker(), 1)
    with connections.borrow(1):
        for timeout in (0.01, 0.0, -1.0):
            with pytest.raises(Unreachable) as caught, connections.borrow(timeout):
                pass
            assert caught.value.reason == "busy"
    with connections.borrow(0.0):
        pass


def test_a_failure_in_the_block_or_of_the_making_costs_no_place() -> None:
    class Broken(Maker):
        def __call__(self) -> Connection:
            if not self.made:
                self.made.append(Connection())
                raise Unreachable("no certificates", reason="tls")
            return super().__call__()

    connections = ConnectionPool(Broken(), 1)
    with pytest.raises(Unreachable, match="no certificates"), connections.borrow(0.0):
        pass
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), connections.borrow(0.0):
            raise ZeroDivisionError


def test_closing_cuts_nothing() -> None:
    make = Maker()
    connections = ConnectionPool(make, 2)
    with connections.borrow(1), connections.borrow(1):
        pass
    with connections.borrow(1) as busy:
        connections.close()
        connections.close()
        assert not busy.closed
        assert [connection.closed for connection in make.made if connection is not busy] == [True]
    assert busy.closed
    with pytest.raises(Unreachable, match="closed"), connections.borrow(1):
        pass
