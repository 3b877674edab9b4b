"""What a change of a declaration means for its module. No Pulumi and no HTTP: a preview needs nothing more than this."""

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
    a replace, so that ``up`` never does more than the preview showed. The new module comes first, unless it has the key of the
    old one or adopts it: then the register would fail, or the delete that follows would remove the new module. That is said also
    where nothing is to be replaced, because the user may want it: ``pulumi up --replace``.
    """
    replaces = [name for name in ("installation", "apiVersion", "key") if name in news and news[name] != olds.get(name)]
    if "__type" in olds or ("type" in news and news["type"] != olds.get("type")):
        replaces.append("type")
    changes = bool(replaces) or not same(content_of(olds), content_of(news))
    stays = any(isinstance(news.get(name), str) and news[name] == olds.get("key") for name in ("key", "adopt"))
    return Difference(changes, replaces, stays)
