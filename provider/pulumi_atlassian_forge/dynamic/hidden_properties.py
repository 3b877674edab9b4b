"""How the hidden properties travel: ``__name``, ``__schema``, ``__server`` and their like (docs/adr/0001-state.md).

The engine hides every property whose name begins with ``__``. So do Pulumi's SDKs for Python before 3.235, but they hide them
from us, too: such a property never arrives in a hook. With those SDKs the hidden properties travel in one visible property,
``internal``; both forms are always understood, so a stack may be used with an older and a newer SDK in turn.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

INTERNAL: Final = "internal"
_HIDDEN: Final = "__"
_PROVIDER: Final = "__provider"  # the SDK's own: it always arrives


@functools.cache
def kept() -> bool:
    """Whether this SDK hands hidden properties to the hooks. Asked, not concluded from a version."""
    probe = struct_pb2.Struct()
    probe.update({f"{_HIDDEN}probe": True})
    return bool(rpc.deserialize_properties(probe))


def pack(props: Mapping[str, Any]) -> dict[str, Any]:
    """Give properties the form in which they reach the other side."""
    if kept():
        return dict(props)
    redact_token_like = {
        name.removeprefix(_HIDDEN): value for name, value in props.items() if _is_hidden(name) and value is not None
    }
    visible = {name: value for name, value in props.items() if not _is_hidden(name)}
    return {**visible, INTERNAL: redact_token_like} if redact_token_like else visible


def unpack(props: Mapping[str, Any]) -> dict[str, Any]:
    """Give properties that arrived their hidden names back."""
    redact_token_like = props.get(INTERNAL)
    if not isinstance(redact_token_like, Mapping):
        return dict(props)
    own = {name: value for name, value in props.items() if name != INTERNAL}
    return {**{_HIDDEN + name: value for name, value in redact_token_like.items()}, **own}


def _is_hidden(name: str) -> bool:
    return name.startswith(_HIDDEN) and name != _PROVIDER
