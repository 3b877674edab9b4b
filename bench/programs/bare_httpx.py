"""The requests of one operation without an engine: ``bare_httpx.py METHOD CONNECTIONS`` in a directory with ``modules.json``.

The keys that the server creates are stored in ``keys.json``.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

METHOD, CONNECTIONS = sys.argv[1], int(sys.argv[2])
KEYS = Path("keys.json")

client = httpx.Client(
    base_url=os.environ["FORGE_URL"],
    headers={"Authorization": f"Bearer {os.environ['FORGE_TOKEN']}"},
    limits=httpx.Limits(max_connections=CONNECTIONS),
    trust_env=False,
)


def send(path: str, module: dict[str, Any] | None) -> Any:
    body = {name: module[name] for name in ("type", "data")} if module and METHOD in {"POST", "PUT"} else None
    response = client.request(METHOD, path, json=body).raise_for_status()
    return response.json() if response.content else None


modules: list[dict[str, Any]] = json.loads(Path("modules.json").read_text("utf-8"))
match METHOD:
    case "GET":
        assert len(send("/", None)["result"]) == len(modules)
    case "POST":
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            made = list(pool.map(lambda module: send("/", module), modules))
        KEYS.write_text(json.dumps([module["key"] for module in made]), encoding="utf-8")
    case _:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda key, module: send(f"/{key}", module), json.loads(KEYS.read_text("utf-8")), modules))
