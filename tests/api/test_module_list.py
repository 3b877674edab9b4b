from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_atlassian_forge.api.errors import ApiError, InvalidResponse, LostResponse, NotFound
from pulumi_atlassian_forge.api.module_list import ModuleList
from pulumi_atlassian_forge.api.protocol import LiveModule
from pulumi_atlassian_forge.model.content import Content
from tests.support.timing import Clock

WAIT = 10.0


def live(key: str, function: str = "f") -> LiveModule:
    return LiveModule(key, Content("trigger", {"events": ["e"], "function": function}))


class Source:
    """An installation that counts what it is asked, and can be held up in the middle of a list."""

    def __init__(self, *modules: LiveModule, hidden: tuple[LiveModule, ...] = ()) -> None:
        self.listed = list(modules)
        self.hidden = hidden
        self.lists = 0
        self.reads: list[str] = []
        self.failure: BaseException | None = None
        self.asked = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def list(self) -> list[LiveModule]:
        self.lists += 1
        snapshot = list(self.listed)
        failure = self.failure
        self.asked.set()
        assert self.go.wait(WAIT)
        if failure is not None:
            raise failure
        return snapshot

    def read(self, key: str) -> LiveModule:
        self.reads.append(key)
        for module in (*self.listed, *self.hidden):
            if module.key == key:
                return module
        raise NotFound("no such module", status=404)


def test_many_finds_ask_for_one_list() -> None:
    source = Source(*(live(str(number)) for number in range(20)))
    listing = ModuleList(source, clock=Clock())
    assert [listing.find(str(number)) for number in range(20)] == source.listed
    assert listing.all() == source.listed
    assert (source.lists, source.reads) == (1, [])


def test_many_threads_share_one_fetch() -> None:
    source = Source(*(live(str(number)) for number in range(20)))
    source.go.clear()
    listing = ModuleList(source)
    with ThreadPoolExecutor(20) as pool:
        found = [pool.submit(listing.find, str(number)) for number in range(20)]
        assert source.asked.wait(WAIT)
        source.go.set()
        assert [future.result(WAIT) for future in found] == source.listed
    assert (source.lists, source.reads) == (1, [])


def test_the_list_expires() -> None:
    clock = Clock()
    source = Source(live("a"))
    listing = ModuleList(source, ttl=30.0, clock=clock)
    listing.all()
    clock.now += 29.9
    listing.all()
    assert source.lists == 1
    clock.now += 0.2
    source.listed = [live("b")]
    assert listing.all() == [live("b")]
    assert source.lists == 2


def test_a_module_that_the_list_lacks_is_read_by_its_key_once() -> None:
    source = Source(live("a"), hidden=(live("clash"),))
    listing = ModuleList(source, clock=Clock())
    assert listing.find("clash") == live("clash")
    assert listing.find("clash") == live("clash")
    assert source.reads == ["clash"]


def test_a_module_that_is_neither_listed_nor_found_by_key_is_none() -> None:
    source = Source(live("a"))
    listing = ModuleList(source, clock=Clock())
    assert listing.find("gone") is None
    assert source.reads == ["gone"]


def test_another_failure_of_the_read_is_not_taken_for_absence() -> None:
    class Broken(Source):
        def read(self, key: str) -> LiveModule:
            raise LostResponse("no response")

    with pytest.raises(LostResponse):
        ModuleList(Broken(), clock=Clock()).find("a")


def test_a_failure_reaches_all_waiting_threads_and_is_not_cached() -> None:
    source = Source(live("a"))
    source.failure = LostResponse("no response", attempts=5)
    source.go.clear()
    listing = ModuleList(source)
    waiting = _Waiting(listing)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(listing.all) for _ in range(8)]
        assert source.asked.wait(WAIT)
        waiting.until(7)
        source.failure = None
        source.go.set()
        errors = [future.exception(WAIT) for future in futures]
    assert [type(error) for error in errors] == [LostResponse] * 8
    assert {error.attempts for error in errors if isinstance(error, ApiError)} == {5}
    assert len({id(error) for error in errors}) == 8
    assert source.lists == 1
    assert listing.all() == [live("a")]


def test_a_bug_in_one_thread_blocks_no_other() -> None:
    source = Source(live("a"))
    source.failure = SystemExit("the thread that fetched was ended")
    source.go.clear()
    listing = ModuleList(source)
    waiting = _Waiting(listing)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(_outcome, listing)
        assert source.asked.wait(WAIT)
        others = [pool.submit(_outcome, listing) for _ in range(3)]
        waiting.until(3)
        source.failure = None
        source.go.set()
        assert isinstance(first.result(WAIT), SystemExit)
        assert [other.result(WAIT) for other in others] == [[live("a")]] * 3
    assert source.lists == 2


def test_our_own_writes_are_recorded() -> None:
    source = Source(live("a"), live("b"))
    listing = ModuleList(source, clock=Clock())
    listing.all()
    listing.record(live("a", "changed"))
    listing.record(live("c"))
    listing.remove("b")
    listing.remove("never was")
    assert listing.all() == [live("a", "changed"), live("c")]
    assert (source.lists, source.reads) == (1, [])


def test_a_module_that_we_deleted_is_missing() -> None:
    source = Source(live("a"))
    listing = ModuleList(source, clock=Clock())
    listing.all()
    source.listed = []
    listing.remove("a")
    assert listing.find("a") is None


def test_a_write_during_a_list_request_is_not_lost() -> None:
    source = Source(live("a"), live("b"), live("c"))
    source.go.clear()
    listing = ModuleList(source)
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(listing.all)
        assert source.asked.wait(WAIT)  # the server has written its page: what follows is not on it
        listing.record(live("a", "changed"))
        listing.remove("b")
        listing.record(live("new"))
        listing.record(live("brief"))
        listing.remove("brief")
        listing.remove("c")
        listing.record(live("c", "again"))
        source.go.set()
        assert fetched.result(WAIT) == [live("a", "changed"), live("c", "again"), live("new")]
    assert listing.all() == [live("a", "changed"), live("c", "again"), live("new")]


def test_a_write_before_any_list_waits_for_the_list() -> None:
    source = Source(live("a"), live("b"))
    listing = ModuleList(source, clock=Clock())
    listing.record(live("b"))
    assert listing.all() == [live("a"), live("b")]
    assert source.lists == 1


def test_a_module_that_pulumi_cannot_store_is_an_error_only_if_it_is_requested() -> None:
    deep: object = "x"
    for _ in range(40):
        deep = [deep]
    too_deep = LiveModule("deep", Content("t", {"deep": deep}))
    listing = ModuleList(Source(live("a"), too_deep), clock=Clock())
    assert listing.find("a") == live("a")
    with pytest.raises(InvalidResponse, match="module 'deep' is nested deeper"):
        listing.find("deep")


def test_the_returned_list_can_be_changed_without_harm() -> None:
    listing = ModuleList(Source(live("a")), clock=Clock())
    listing.all().clear()
    assert listing.all() == [live("a")]


def _outcome(listing: ModuleList) -> list[LiveModule] | BaseException:
    try:
        return listing.all()
    except BaseException as error:  # noqa: BLE001 - what ends a thread is what this is about
        return error


class _Waiting:
    """Knows how many threads wait for the fetch that is under way."""

    def __init__(self, listing: ModuleList) -> None:
        self._listing = listing

    def until(self, count: int) -> None:
        fetch = self._listing._fetch
        assert fetch is not None
        for _ in range(1000):
            if len(fetch.done._cond._waiters) >= count:  # type: ignore[attr-defined]
                return
            threading.Event().wait(0.005)
        raise AssertionError(f"fewer than {count} threads wait")


def test_an_expired_list_shows_no_longer_that_a_key_was_absent() -> None:
    """Another client may have registered it since."""
    clock = Clock()
    modules = ModuleList(Source(live("a")), ttl=30.0, clock=clock)
    assert not modules.lacked("b", at=clock.now)  # no list yet
    modules.all()
    assert modules.lacked("b", at=clock.now)
    assert not modules.lacked("a", at=clock.now)
    assert not modules.lacked("b", at=clock.now - 1)  # not there yet
    assert not modules.lacked("b", at=clock.now + 30.0)
