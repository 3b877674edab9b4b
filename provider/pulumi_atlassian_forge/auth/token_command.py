"""Token command: a program that prints a token. No shell, a time limit, and one run at a time over all threads and processes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from pulumi_atlassian_forge.api.body import read_json
from pulumi_atlassian_forge.api.errors import InvalidResponse, Unauthorized
from pulumi_atlassian_forge.api.text import printable
from pulumi_atlassian_forge.config.confidential import shown_program
from pulumi_atlassian_forge.redaction import SECRET_MIN_LENGTH, redact_opaque

from .bearer_token import TIMESTAMP_MAX, Token, expiry_of
from .child_processes import RUNNING, end_with_this_process, kill

FAILURE_CACHE_S: Final = 10.0
"""Seconds for which a failure is cached, so that a program that hangs does not hang once for each module. So is a token that was
printed again although it had been refused."""

_OUTPUT_MAX_BYTES: Final = 65_536  # of each of its outputs
_POLL_S: Final = 0.1
_PROPERTIES: Final = ("token", "expiresAt", "installationId")


class TokenCommand:
    """Obtains a token from a program that runs in ``directory``, in ``seconds`` that include the wait for another run of it."""

    def __init__(self, arguments: Sequence[str], directory: Path, seconds: float) -> None:
        self._arguments = arguments
        self._directory = directory
        self._seconds = seconds
        self._failure = ""
        self._failed_at = float("-inf")
        self._last: Token | None = None
        self._repeated_at = float("-inf")

    def __call__(self) -> Token:
        """Run it; raises Unauthorized if it printed no token in time, now or a few seconds ago."""
        if time.monotonic() < self._failed_at + FAILURE_CACHE_S:
            raise Unauthorized(self._failure)
        if self._last is not None and time.monotonic() < self._repeated_at + FAILURE_CACHE_S:
            return self._last
        deadline = time.monotonic() + self._seconds
        try:
            with self._lock(deadline):
                code, output, errors = self._run(deadline)
            token = self._token(code, output, errors)
        except Unauthorized as error:
            self._failure, self._failed_at = error.message, time.monotonic()
            raise
        if self._last is not None and self._last.text == token.text:
            self._repeated_at = time.monotonic()
        self._last = token
        return token

    def _token(self, code: int, output: str, errors: str) -> Token:
        if code:
            text = printable(redact_opaque(errors.strip(), _words(output)), 200)
            how = f"failed with exit code {code}" if code > 0 else f"was ended by signal {-code}"
            raise self._error(f"{how}: {text or 'its standard error is empty'}")
        try:
            return token_of(output)
        except NoTokenError as problem:
            raise self._error(str(problem)) from None

    def _error(self, problem: str) -> Unauthorized:
        shown = shown_program(self._arguments[0], self._directory)
        hint = "" if shown else "; its name is not shown, because it may be the token itself (AF701)"
        return Unauthorized(f"the token command{shown} {problem}{hint}")

    @contextlib.contextmanager
    def _lock(self, deadline: float) -> Iterator[None]:
        """Wait for another run of the command: the program and the plugin may start it at once. Skipped if locks do not work."""
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(self._lock_file().open("ab"))
                while not _is_locked(file):
                    if time.monotonic() >= deadline:
                        raise self._error(f"is run by another process for more than {self._seconds:g} s")
                    time.sleep(_POLL_S)
            except (OSError, RuntimeError):
                pass  # no folder, no such user, a file system without locks
            yield

    def _lock_file(self) -> Path:
        """In a folder of the user's own: in a shared one another user could hold the lock."""
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        folder = (Path(runtime) if runtime else Path.home() / ".cache") / "pulumi-atlassian-forge"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = "\0".join([str(self._directory), *self._arguments])
        return folder / f"{hashlib.sha256(command.encode(errors='surrogatepass')).hexdigest()[:16]}.lock"

    def _run(self, deadline: float) -> tuple[int, str, str]:
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
            reason = getattr(error, "strerror", None) or "its arguments cannot be used"
            raise self._error(f"cannot be started: {reason}") from None
        RUNNING.add(process.pid)
        try:
            with end_with_this_process(process.pid):
                outputs = self._read(process, deadline)
                return process.wait(max(_POLL_S, deadline - time.monotonic())), *outputs
        except BaseException as error:
            kill(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)  # a process of another user, as of sudo, cannot be killed
            if isinstance(error, subprocess.TimeoutExpired):
                raise self._error(f"did not end within {self._seconds:g} s, and was stopped") from None
            raise
        finally:
            RUNNING.discard(process.pid)
            for stream in filter(None, (process.stdout, process.stderr)):
                stream.close()

    def _read(self, process: subprocess.Popen[bytes], deadline: float) -> tuple[str, str]:
        """Both outputs until the program ends; a child that it leaves behind may keep the pipes open for longer."""
        streams: list[IO[bytes]] = [stream for stream in (process.stdout, process.stderr) if stream is not None]
        read: dict[IO[bytes], bytes] = dict.fromkeys(streams, b"")
        with selectors.DefaultSelector() as selector:
            for stream in streams:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                has_ended = process.poll() is not None  # checked first: then all that it printed is in the pipes
                ready = selector.select(0 if has_ended else _POLL_S)
                if has_ended and not ready:
                    break
                if time.monotonic() >= deadline:
                    raise subprocess.TimeoutExpired(self._arguments, self._seconds)
                for key, _ in ready:
                    stream = next(stream for stream in streams if stream is key.fileobj)
                    chunk = os.read(key.fd, _OUTPUT_MAX_BYTES)
                    read[stream] += chunk
                    if not chunk:
                        selector.unregister(stream)
                    if len(read[stream]) > _OUTPUT_MAX_BYTES:
                        raise self._error(f"printed more than {_OUTPUT_MAX_BYTES} bytes, and was stopped")
        output, errors = (read[stream].decode("utf-8", "replace") for stream in streams)
        return output, errors


def _is_locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _words(output: str) -> set[str]:
    """What may be the token, in whatever form it was printed."""
    words = re.split(r'[\s"{}:,]+', output)
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(output)  # JSON may escape some characters
        words += [text for text in value.values() if isinstance(text, str)] if isinstance(value, dict) else []
    return {word for word in words if len(word) >= SECRET_MIN_LENGTH}


class NoTokenError(Exception):
    """The output is not a token; the text describes it and shows none of it."""


def token_of(output: str) -> Token:
    """The token in the output of a command: the token alone, or JSON with ``token``, ``expiresAt`` and ``installationId``."""
    text = output.strip()
    if not text:
        raise NoTokenError("printed nothing")
    if text.startswith("{"):
        return _token_in_json(text)
    if text.startswith("<"):
        raise NoTokenError("printed HTML, and not a token: a login page, or an error of a gateway")
    lines = text.splitlines()
    if len(lines) > 1:
        raise NoTokenError(f"printed {len(lines)} lines: only the token, or one JSON object, may be on its standard output")
    return Token(text, expiry_of(text))


def _token_in_json(text: str) -> Token:
    try:
        printed = read_json(text.encode())
    except InvalidResponse:
        raise NoTokenError("printed something that begins like JSON, and is none") from None
    if not isinstance(printed, Mapping) or not isinstance(printed.get("token"), str) or not printed["token"].strip():
        raise NoTokenError(f"printed JSON without a text 'token'; known: {', '.join(_PROPERTIES)}")
    token, installation = printed["token"].strip(), printed.get("installationId")
    if not (installation is None or isinstance(installation, str)):
        raise NoTokenError("printed an 'installationId' that is not a text")
    return Token(token, _expiry(printed.get("expiresAt")) or expiry_of(token), (installation or "").strip() or None)


def _expiry(value: Any) -> float | None:
    """RFC 3339, or seconds since the epoch."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value) if value < TIMESTAMP_MAX else None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise NoTokenError("printed an 'expiresAt' that is neither RFC 3339 nor seconds since 1970") from None
