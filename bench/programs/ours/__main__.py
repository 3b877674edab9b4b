"""The modules, declared with this provider."""

import json
from pathlib import Path

import pulumi_atlassian_forge as forge

for module in json.loads(Path("modules.json").read_text("utf-8")):
    data = module["data"]
    forge.TriggerModule(
        module["name"],
        events=data["events"],
        endpoint=data["endpoint"],
        filter=forge.TriggerFilter(expression=data["filter"]["expression"], on_error=data["filter"]["onError"]),
    )
