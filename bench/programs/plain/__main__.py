"""The modules, with a dynamic provider as in Pulumi's tutorials."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

URL = os.environ["FORGE_URL"]


def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {os.environ['FORGE_TOKEN']}"}


class ModuleProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        response = httpx.post(URL, json={"type": props["type"], "data": props["data"]}, headers=headers())
        response.raise_for_status()
        return CreateResult(response.json()["key"], {"type": props["type"], "data": props["data"]})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        response = httpx.get(f"{URL}/{id_}", headers=headers())
        response.raise_for_status()
        found = response.json()
        found["data"].pop("key", None)
        return ReadResult(id_, {**props, "type": found["type"], "data": found["data"]})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=olds["data"] != news["data"], replaces=["type"] if olds["type"] != news["type"] else [])

    def update(self, id_: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        response = httpx.put(f"{URL}/{id_}", json={"type": news["type"], "data": news["data"]}, headers=headers())
        response.raise_for_status()
        return UpdateResult({"type": news["type"], "data": news["data"]})

    def delete(self, id_: str, _props: dict[str, Any]) -> None:
        httpx.delete(f"{URL}/{id_}", headers=headers()).raise_for_status()


class Module(Resource):
    type: pulumi.Output[str]
    data: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, type_: str, data: dict[str, Any]) -> None:
        super().__init__(ModuleProvider(), name, {"type": type_, "data": data})


for module in json.loads(Path("modules.json").read_text("utf-8")):
    Module(module["name"], module["type"], module["data"])
