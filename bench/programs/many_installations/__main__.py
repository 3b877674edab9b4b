"""The modules, declared on each installation of the file next to the program."""

import json
from pathlib import Path

import yaml

import pulumi_atlassian_forge as forge

for installation in yaml.safe_load(Path("forge-installations.yaml").read_text("utf-8"))["installations"]:
    for module in json.loads(Path("modules.json").read_text("utf-8")):
        data = module["data"]
        forge.TriggerModule(
            f"{installation}-{module['name']}",
            installation=installation,
            events=data["events"],
            endpoint=data["endpoint"],
            filter=forge.TriggerFilter(expression=data["filter"]["expression"], on_error=data["filter"]["onError"]),
        )
