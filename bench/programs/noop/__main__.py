"""The modules, with a dynamic provider that does nothing."""

import json
from pathlib import Path

from noop import NothingProvider  # type: ignore[import-not-found] # beside this file, where it runs
from pulumi.dynamic import Resource


class Nothing(Resource):
    pass


for module in json.loads(Path("modules.json").read_text("utf-8")):
    Nothing(NothingProvider(), module["name"], {"type": module["type"], "data": module["data"]})
