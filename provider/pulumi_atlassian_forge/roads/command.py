"""A program that prints a token: started by no shell, within a time, one run at a time over all threads and processes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from pulumi_atlassian_forge.api.auth import Token
from pulumi_atlassian_forge.api.errors import Unauthorized
from pulumi_atlassian_forge.api.text import clean
from pulumi_atlassian_forge.errors import hidden, redact

from .printed import NoTokenError, token_of

_MOST: Final = 65_536  # bytes that are read of each of its outputs
_TICK: Final = 0.1  # seconds
_SHORTEST: Final = 6  # characters of what it printed that are kept out of the message


class Command:
    """Obtains a token from a program.

    Args:
        arguments: The program and its arguments.
        directory: Where it runs.
        seconds: How long it may take, with the wait for another run of the same command.
    """

    def __init__(self, arguments: Sequence[str], directory: Path, seconds: float) -> None:
        self._arguments = arguments
        self._directory = directory
        self._seconds = seconds

    def __call__(self) -> Token:
        """Run it.

        Raises:
            Unauthorized: It could not be started, did not end in time, failed, or printed no token.
        """
        until = time.monotonic() + self._seconds
        with self._turn(until):
            code, printed, said = self._run(until)
        if code:
            words = clean(hidden(redact(said.strip(), _words(printed))), 200) or "it said nothing on its standard error"
            how = f"failed with exit code {code}" if code > 0 else f"was ended by signal {-code}"
            raise self._error(f"{how}: {words}")
        try:
            return token_of(printed)
        except NoTokenError as problem:
            raise self._error(str(problem)) from None

    def _error(self, problem: str) -> Unauthorized:
        return Unauthorized(f"the token command {clean(self._arguments[0], 80)!r} {problem}")

    @contextlib.contextmanager
    def _turn(self, until: float) -> Iterator[None]:
        """The program and the plugin of one run both ask: the one that is second waits."""
        with self._lock_file().open("ab") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise self._error(f"is run by another process for more than {self._seconds:g} s") from None
                    time.sleep(_TICK)
            yield

    def _lock_file(self) -> Path:
        folder = Path(tempfile.gettempdir()) / f"pulumi-atlassian-forge-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise self._error(f"is not run: the folder {folder}, which others use to lock it, is not ours")
        named = "\0".join([str(self._directory), *self._arguments])
        return folder / f"{hashlib.sha256(named.encode(errors='surrogatepass')).hexdigest()[:16]}.lock"

    def _run(self, until: float) -> tuple[int, str, str]:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own program, named by the user's settings
                self._arguments,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise self._error(
                f"cannot be started: {getattr(error, 'strerror', None) or 'its arguments cannot be used'}"
            ) from None
        with process:
            try:
                outputs = self._read(process, until)
                return process.wait(max(_TICK, until - time.monotonic())), *outputs
            except BaseException as error:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # its children, too
                if isinstance(error, subprocess.TimeoutExpired):
                    raise self._error(f"did not end within {self._seconds:g} s, and was stopped") from None
                raise

    def _read(self, process: subprocess.Popen[bytes], until: float) -> tuple[str, str]:
        """What it prints, until it ends: a child that it leaves behind may keep the pipes open."""
        streams: list[IO[bytes]] = [stream for stream in (process.stdout, process.stderr) if stream is not None]
        read: dict[IO[bytes], bytes] = dict.fromkeys(streams, b"")
        with selectors.DefaultSelector() as selector:
            for stream in streams:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(_TICK)
                if not ready and process.poll() is not None:
                    break
                if time.monotonic() >= until:
                    raise subprocess.TimeoutExpired(self._arguments, self._seconds)
                for key, _ in ready:
                    stream = next(stream for stream in streams if stream is key.fileobj)
                    chunk = os.read(key.fd, _MOST)
                    read[stream] += chunk
                    if not chunk:
                        selector.unregister(stream)
                    if len(read[stream]) > _MOST:
                        raise self._error(f"printed more than {_MOST} bytes, and was stopped")
        printed, said = (read[stream].decode("utf-8", "replace") for stream in streams)
        return printed, said


def _words(printed: str) -> set[str]:
    """What may be the token, in whatever form it was printed."""
    return {word for word in re.split(r'[\s"{}:,]+', printed) if len(word) >= _SHORTEST}
