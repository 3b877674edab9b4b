"""What examples/remote-broker keeps: encrypted, for one installation, and readable after a change of keys."""

from __future__ import annotations

import sqlite3
import stat
import time
from contextlib import closing

from broker.store import Store, Stored, load_keys
from cryptography.fernet import Fernet

from tests.support.broker import Place, refused_start, running
from tests.support.issuers import ACME, GLOBEX, fit_claims, github_claims, parts_of_tokens, signed, system_token


def test_a_token_is_found_by_its_parts_and_a_ciphertext_is_none() -> None:
    for token in (system_token(), signed(github_claims()), signed(fit_claims(), "ec-1")):
        header, claims, _ = token.encode().split(b".")
        assert parts_of_tokens(b"\x00" + header + b"\x00" + claims + b"\x00") == [header, claims]
    assert parts_of_tokens(b"gAAAAeyJFH9Pv4tXwZq1eyJ01") == []


def test_no_token_is_on_the_disk_or_in_the_log_in_clear_not_even_in_parts(fresh: Place) -> None:
    tokens = [system_token(3600 * hours) for hours in (1, 2, 3)]
    identity, fit = signed(github_claims()), signed(fit_claims())
    with running(fresh) as broker:
        for token in tokens:
            assert broker.deliver(token).status_code == 204
        assert broker.deliver(tokens[0], fit).status_code == 204
        assert broker.fetch(identity).json()["token"] == tokens[-1]
        while_it_runs = fresh.everything()
    assert len(broker.log("delivery-stored")) == 3
    for secret in (*tokens, identity, fit):
        for part in secret.split("."):
            assert part.encode() not in while_it_runs
            assert part.encode() not in fresh.everything()
    assert stat.S_IMODE(fresh.database.stat().st_mode) == 0o600


def test_only_the_newest_token_of_an_installation_is_kept(fresh: Place) -> None:
    with running(fresh) as broker:
        for hours in (1, 2, 3):
            broker.deliver(system_token(3600 * hours))
        broker.deliver(system_token(), signed(fit_claims(GLOBEX)))
    with closing(sqlite3.connect(fresh.database)) as database:
        assert sorted(database.execute("SELECT installation FROM tokens")) == [(GLOBEX,), (ACME,)]


def test_a_token_outlives_the_process_that_got_it(fresh: Place) -> None:
    token = system_token()
    with running(fresh) as broker:
        broker.deliver(token)
    with running(fresh) as broker:
        assert broker.fetch(signed(github_claims())).json()["token"] == token


def test_a_key_is_replaced_by_putting_a_new_one_first_and_dropping_the_old_one_later(fresh: Place) -> None:
    token, keys = system_token(), fresh.root / "keys"
    old, new = keys.read_text("ascii"), Fernet.generate_key().decode() + "\n"
    with running(fresh) as broker:
        broker.deliver(token)
    keys.write_text(f"# rotated today\n{new}\n{old}", encoding="ascii")
    with running(fresh) as broker:
        assert broker.fetch(signed(github_claims())).json()["token"] == token
    keys.write_text(new, encoding="ascii")
    with running(fresh) as broker:
        assert broker.fetch(signed(github_claims())).json()["token"] == token
        assert not broker.log("not-opened")


def test_a_token_that_no_key_opens_is_not_handed_out_and_the_next_one_replaces_it(fresh: Place) -> None:
    with running(fresh) as broker:
        broker.deliver(system_token(3 * 3600))
    (fresh.root / "keys").write_text(Fernet.generate_key().decode(), encoding="ascii")
    shorter = system_token(3600)
    with running(fresh) as broker:
        (line,) = broker.log("not-opened")
        assert line["count"] == "1"
        assert broker.fetch(signed(github_claims())).status_code == 404
        broker.deliver(shorter)
        assert broker.fetch(signed(github_claims())).json()["token"] == shorter


def test_a_row_that_somebody_moves_to_another_installation_does_not_open_there(fresh: Place) -> None:
    with running(fresh) as broker:
        broker.deliver(system_token(), signed(fit_claims(GLOBEX)))
        with closing(sqlite3.connect(fresh.database)) as database, database:
            database.execute("UPDATE tokens SET installation = ?", (ACME,))
        assert broker.fetch(signed(github_claims())).status_code == 404


def test_a_later_end_that_somebody_writes_beside_a_token_does_not_prolong_it(fresh: Place) -> None:
    now = time.time()
    with running(fresh) as broker:
        Store(fresh.database, load_keys(fresh.root / "keys")).put(Stored(ACME, system_token(10), now + 10), "mark", now, now)
        with closing(sqlite3.connect(fresh.database)) as database, database:
            database.execute("UPDATE tokens SET expires_at = ?", (now + 9000,))
        assert broker.fetch(signed(github_claims())).status_code == 404


def test_what_is_over_is_forgotten(fresh: Place) -> None:
    now = time.time()
    store = Store(fresh.database, load_keys(fresh.root / "keys"))
    store.put(Stored(GLOBEX, system_token(60), now + 60), "old", now + 25, now)
    later = now + 3600
    store.put(Stored(ACME, system_token(), later + 60), "new", later + 25, later)
    with closing(sqlite3.connect(fresh.database)) as database:
        assert database.execute("SELECT installation FROM tokens").fetchall() == [(ACME,)]
        assert database.execute("SELECT mark FROM calls").fetchall() == [("new",)]


def test_a_token_does_not_show_when_it_is_printed(fresh: Place) -> None:
    assert "secret" not in repr(Stored(ACME, "secret", 1.0))


def test_a_broker_without_usable_keys_says_how_to_make_one(fresh: Place) -> None:
    for text in ("short", "é"):
        (fresh.root / "keys").write_text(text, encoding="utf-8")
        assert "one Fernet key a line; make one with: python -m broker new-key" in refused_start(fresh)
    (fresh.root / "keys").unlink()
    assert "cannot be read: No such file or directory; make one with: python -m broker new-key" in refused_start(fresh)


def test_a_file_without_a_key_is_no_file_of_keys(fresh: Place) -> None:
    (fresh.root / "keys").write_text("# none yet\n", encoding="ascii")
    assert "one Fernet key a line" in refused_start(fresh)


def test_a_database_that_cannot_be_used_is_named(fresh: Place) -> None:
    fresh.database.write_bytes(b"no database" * 100)
    assert f"the database {fresh.database} cannot be used: file is not a database" in refused_start(fresh)
