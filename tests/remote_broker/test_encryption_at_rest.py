"""The token store of examples/remote-broker: encryption, one row for each installation, key rotation."""

from __future__ import annotations

import sqlite3
import stat
import time
from contextlib import closing

import pytest
from broker.store import Store, StoredToken, load_keys
from cryptography.fernet import Fernet

from tests.support.broker import BrokerFiles, failed_start, run_broker
from tests.support.certificates import Authority
from tests.support.issuers import ACME, GLOBEX, find_token_parts, github_claims, invocation_claims, signed, system_token


def test_token_parts_are_found_and_a_ciphertext_is_not() -> None:
    for token in (system_token(), signed(github_claims()), signed(invocation_claims(), "ec-1")):
        header, claims, _ = token.encode().split(b".")
        assert find_token_parts(b"\x00" + header + b"\x00" + claims + b"\x00") == [header, claims]
    assert find_token_parts(b"gAAAAeyJFH9Pv4tXwZq1eyJ01") == []


def test_no_part_of_a_token_is_on_disk_or_in_the_log(files: BrokerFiles) -> None:
    tokens = [system_token(3600 * hours) for hours in (1, 2, 3)]
    identity, invocation = signed(github_claims()), signed(invocation_claims())
    with run_broker(files) as broker:
        for token in tokens:
            assert broker.deliver(token).status_code == 204
        assert broker.deliver(tokens[0], invocation).status_code == 204
        assert broker.fetch(identity).json()["token"] == tokens[-1]
        while_running = files.all_bytes()
    assert len(broker.log("delivery-stored")) == 3
    for secret in (*tokens, identity, invocation):
        for part in secret.split("."):
            assert part.encode() not in while_running
            assert part.encode() not in files.all_bytes()
    assert stat.S_IMODE(files.database.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o622, 0o604])
def test_a_database_that_others_can_use_is_corrected_with_a_message(files: BrokerFiles, mode: int) -> None:
    files.database.touch()
    files.database.chmod(mode)
    with run_broker(files) as broker:
        assert stat.S_IMODE(files.database.stat().st_mode) == 0o600
        (line,) = broker.log("permissions-corrected")
    assert line["file"] == str(files.database)
    assert f"its mode was {mode:04o}" in line["reason"]


@pytest.mark.parametrize(
    ("name", "mode", "fix"),
    [("keys", 0o644, "0600"), ("keys", 0o640, "0600"), ("policy.toml", 0o646, "0644"), ("server.key", 0o640, "0600")],
)
def test_a_file_that_others_can_use_is_refused(files: BrokerFiles, name: str, mode: int, fix: str) -> None:
    settings = Authority(files.root).server()
    (files.root / name).chmod(mode)
    error = failed_start(files, **settings)
    assert f"other users can use {files.root / name}: its mode is {mode:04o}; run chmod {fix} {files.root / name}" in error


def test_only_the_newest_token_of_an_installation_is_kept(files: BrokerFiles) -> None:
    with run_broker(files) as broker:
        for hours in (1, 2, 3):
            broker.deliver(system_token(3600 * hours))
        broker.deliver(system_token(), signed(invocation_claims(GLOBEX)))
    with closing(sqlite3.connect(files.database)) as database:
        assert sorted(database.execute("SELECT installation FROM tokens")) == [(GLOBEX,), (ACME,)]


def test_a_token_survives_a_restart(files: BrokerFiles) -> None:
    token = system_token()
    with run_broker(files) as broker:
        broker.deliver(token)
    with run_broker(files) as broker:
        assert broker.fetch(signed(github_claims())).json()["token"] == token


def test_a_key_is_rotated_by_adding_a_new_first_line_and_removing_the_old_one_later(files: BrokerFiles) -> None:
    token, keys = system_token(), files.root / "keys"
    old, new = keys.read_text("ascii"), Fernet.generate_key().decode() + "\n"
    with run_broker(files) as broker:
        broker.deliver(token)
    keys.write_text(f"# rotated today\n{new}\n{old}", encoding="ascii")
    with run_broker(files) as broker:
        assert broker.fetch(signed(github_claims())).json()["token"] == token
    keys.write_text(new, encoding="ascii")
    with run_broker(files) as broker:
        assert broker.fetch(signed(github_claims())).json()["token"] == token
        assert not broker.log("decryption-failed")


def test_a_token_that_no_key_decrypts_is_not_issued_and_the_next_delivery_replaces_it(files: BrokerFiles) -> None:
    with run_broker(files) as broker:
        broker.deliver(system_token(3 * 3600))
    (files.root / "keys").write_text(Fernet.generate_key().decode(), encoding="ascii")
    shorter = system_token(3600)
    with run_broker(files) as broker:
        (line,) = broker.log("decryption-failed")
        assert line["count"] == "1"
        assert broker.fetch(signed(github_claims())).status_code == 404
        broker.deliver(shorter)
        assert broker.fetch(signed(github_claims())).json()["token"] == shorter


def test_a_row_copied_to_another_installation_is_rejected(files: BrokerFiles) -> None:
    with run_broker(files) as broker:
        broker.deliver(system_token(), signed(invocation_claims(GLOBEX)))
        with closing(sqlite3.connect(files.database)) as database, database:
            database.execute("UPDATE tokens SET installation = ?", (ACME,))
        assert broker.fetch(signed(github_claims())).status_code == 404


def test_a_later_expiry_in_the_clear_column_has_no_effect(files: BrokerFiles) -> None:
    now = time.time()
    with run_broker(files) as broker:
        Store(files.database, load_keys(files.root / "keys")).put(
            StoredToken(ACME, system_token(10), now + 10), "digest", now, now
        )
        with closing(sqlite3.connect(files.database)) as database, database:
            database.execute("UPDATE tokens SET expires_at = ?", (now + 9000,))
        assert broker.fetch(signed(github_claims())).status_code == 404


def test_expired_rows_are_deleted(files: BrokerFiles) -> None:
    now = time.time()
    store = Store(files.database, load_keys(files.root / "keys"))
    store.put(StoredToken(GLOBEX, system_token(60), now + 60), "old", now + 25, now)
    later = now + 3600
    store.put(StoredToken(ACME, system_token(), later + 60), "new", later + 25, later)
    with closing(sqlite3.connect(files.database)) as database:
        assert database.execute("SELECT installation FROM tokens").fetchall() == [(ACME,)]
        assert database.execute("SELECT digest FROM calls").fetchall() == [("new",)]


def test_repr_contains_no_token(files: BrokerFiles) -> None:
    assert "secret" not in repr(StoredToken(ACME, "secret", 1.0))


def test_the_error_for_invalid_keys_says_how_to_make_one(files: BrokerFiles) -> None:
    for text in ("short", "é"):
        (files.root / "keys").write_text(text, encoding="utf-8")
        assert "one Fernet key a line; make one with: python -m broker new-key" in failed_start(files)
    (files.root / "keys").unlink()
    assert "cannot be read: No such file or directory; make one with: python -m broker new-key" in failed_start(files)


def test_a_key_file_without_a_key_is_refused(files: BrokerFiles) -> None:
    (files.root / "keys").write_text("# none yet\n", encoding="ascii")
    assert "one Fernet key a line" in failed_start(files)


def test_an_unusable_database_is_named(files: BrokerFiles) -> None:
    files.database.write_bytes(b"no database" * 100)
    assert f"the database {files.database} cannot be used: file is not a database" in failed_start(files)
