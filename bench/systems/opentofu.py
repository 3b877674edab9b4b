"""OpenTofu with Mastercard's restapi provider, if both are on PATH."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.measure import Command
from bench.server import Installation
from bench.workload import Operation

from .system import PLUGIN, PROGRAMS, PreparedSystem, System

_TOFU: Final = "tofu"
_PROVIDER: Final = "terraform-provider-restapi"


class OpenTofu(System):
    """The generic REST provider, configured as documented."""

    name = "opentofu"
    title = "OpenTofu + restapi"
    limitations = (
        "No validation, retries (0 by default), recovery or installation guard. Each command plans first, and a plan reads every "
        "module; `-refresh=false` would skip that and show no drift."
    )

    def missing(self) -> str | None:
        """Why it cannot run: this repository installs neither program."""
        lacking = [name for name in (_TOFU, _PROVIDER) if shutil.which(name) is None]
        return f"{' and '.join(lacking)} not on PATH" if lacking else None

    def software(self) -> dict[str, str]:
        """The version of OpenTofu; the provider prints none."""
        output = subprocess.run([_TOFU, "version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"^OpenTofu v(\S+)", output, re.MULTILINE)
        return {"OpenTofu": found[1] if found else "of an unknown version"}

    def prepare(self, directory: Path, installation: Installation) -> PreparedSystem:
        """Copy the program, and configure a development override for the provider, so that nothing is downloaded."""
        shutil.copy(PROGRAMS / "opentofu" / "main.tf", directory)
        provider = Path(shutil.which(_PROVIDER) or _PROVIDER).resolve().parent
        overrides = f'provider_installation {{\n  dev_overrides {{ "Mastercard/restapi" = "{provider}" }}\n  direct {{}}\n}}\n'
        (directory / "tofu.rc").write_text(overrides, encoding="utf-8")
        return _PreparedOpenTofu(directory, installation)


class _PreparedOpenTofu(PreparedSystem):
    _ARGUMENTS: Final[dict[Operation, list[str]]] = {
        "preview new": ["plan"],
        "up": ["apply", "-auto-approve"],
        "nothing to do": ["apply", "-auto-approve"],
        "preview of a change": ["plan"],
        "update all": ["apply", "-auto-approve"],
        "refresh": ["apply", "-refresh-only", "-auto-approve"],
        "destroy": ["destroy", "-auto-approve"],
    }

    def __init__(self, directory: Path, installation: Installation) -> None:
        self._directory, self._installation = directory, installation

    def command(self, operation: Operation) -> Command:
        return Command(
            [_TOFU, *self._ARGUMENTS[operation], "-input=false", "-no-color"],
            self._directory,
            {
                "CHECKPOINT_DISABLE": "1",
                "HOME": str(self._directory),
                "PATH": os.environ["PATH"],
                "TF_CLI_CONFIG_FILE": str(self._directory / "tofu.rc"),
                "TF_IN_AUTOMATION": "1",
                "TF_VAR_token": self._installation.token,
                "TF_VAR_url": self._installation.base_url,
            },
            {PLUGIN: _PROVIDER},
        )

    def state_bytes(self) -> int | None:
        file = self._directory / "terraform.tfstate"
        return file.stat().st_size if file.exists() else None
