"""Diff: what a change of a declaration means for its module. No request, so that a preview can call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_atlassian_forge.model.comparison import same
from pulumi_atlassian_forge.model.content import content_of


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of the declaration means for the module."""

    changes: bool
    replaces: list[str] = field(default_factory=list)
    delete_first: bool = False


def diff(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
    """Compare old outputs with new inputs.

    A pure function: a refresh calls it the other way round, with new outputs and old inputs. An unknown key or type counts as
    a replacement, so that ``up`` never does more than the preview showed.

    A replacement registers the new module first, unless it has the key of the old one or adopts it: then the register would fail,
    or the delete after it would delete the new module. ``delete_first`` is set even if nothing is replaced, because the user may
    replace a resource with ``pulumi up --replace``.
    """
    replaces = [name for name in ("installation", "apiVersion", "key") if name in news and news[name] != olds.get(name)]
    if "__type" in olds or ("type" in news and news["type"] != olds.get("type")):
        replaces.append("type")
    changes = bool(replaces) or not same(content_of(olds), content_of(news))
    stays = any(isinstance(news.get(name), str) and news[name] == olds.get("key") for name in ("key", "adopt"))
    return Difference(changes, replaces, stays)
