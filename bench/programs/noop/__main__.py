"""The modules, with a dynamic provider that does nothing."""

import json
from pathlib import Path

from noop import NoOpProvider  # type: ignore[import-not-found] # next to this file at run time
from pulumi.dynamic import Resource


class NoOp(Resource):
    pass


for module in json.loads(Path("modules.json").read_text("utf-8")):
    NoOp(NoOpProvider(), module["name"], {"type": module["type"], "data": module["data"]})
