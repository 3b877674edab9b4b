"""OpenTofu with Mastercard's restapi provider, where both are on PATH."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.measure import Command
from bench.server import Site
from bench.workload import Operation

from .system import PLUGIN, RIVALS, Row, Stage

_TOFU: Final = "tofu"
_PROVIDER: Final = "terraform-provider-restapi"


class OpenTofu(Row):
    """The generic REST provider, set up as its documentation says."""

    name = "opentofu"
    title = "OpenTofu + restapi"
    leaves_out = (
        "Validation, retries (0 by default), recovery and a guard against a wrong token. Each of its commands plans first, and a "
        "plan reads every module; `-refresh=false` would skip that, and see no drift."
    )

    def missing(self) -> str | None:
        """Both have to be there: neither is installed by this repository."""
        lacking = [name for name in (_TOFU, _PROVIDER) if shutil.which(name) is None]
        return f"{' and '.join(lacking)} not on PATH" if lacking else None

    def software(self) -> dict[str, str]:
        """What the program says of itself; the provider says nothing."""
        said = subprocess.run([_TOFU, "version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"^OpenTofu v(\S+)", said, re.MULTILINE)
        return {"OpenTofu": found[1] if found else "of an unknown version"}

    def stage(self, directory: Path, site: Site) -> Stage:
        """Copy the program, and point a development override at the provider: nothing is downloaded."""
        shutil.copy(RIVALS / "opentofu" / "main.tf", directory)
        provider = Path(shutil.which(_PROVIDER) or _PROVIDER).resolve().parent
        overrides = f'provider_installation {{\n  dev_overrides {{ "Mastercard/restapi" = "{provider}" }}\n  direct {{}}\n}}\n'
        (directory / "tofu.rc").write_text(overrides, encoding="utf-8")
        return _TofuStage(directory, site)


class _TofuStage(Stage):
    _ARGUMENTS: Final[dict[Operation, list[str]]] = {
        "preview new": ["plan"],
        "up": ["apply", "-auto-approve"],
        "nothing to do": ["apply", "-auto-approve"],
        "preview of a change": ["plan"],
        "update all": ["apply", "-auto-approve"],
        "refresh": ["apply", "-refresh-only", "-auto-approve"],
        "destroy": ["destroy", "-auto-approve"],
    }

    def __init__(self, directory: Path, site: Site) -> None:
        self._directory, self._site = directory, site

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
                "TF_VAR_token": self._site.token,
                "TF_VAR_url": self._site.base_url,
            },
            {PLUGIN: _PROVIDER},
        )

    def state_bytes(self) -> int | None:
        file = self._directory / "terraform.tfstate"
        return file.stat().st_size if file.exists() else None
