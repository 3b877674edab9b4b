"""Atlassian Forge dynamic modules as Pulumi resources.

>>> import pulumi_atlassian_forge as forge

What stands here is the whole public interface of a program; everything else may change without notice.
"""

from .errors import ForgeError
from .model.catalog.events import EventName
from .sdk.arguments import TriggerFilter, TriggerPayload, TriggerPayloadInclude
from .sdk.functions import ModuleResult, get_module, get_module_output, list_modules, list_modules_output
from .sdk.resources import DynamicModule, TriggerModule

__all__ = [
    "DynamicModule",
    "EventName",
    "ForgeError",
    "ModuleResult",
    "TriggerFilter",
    "TriggerModule",
    "TriggerPayload",
    "TriggerPayloadInclude",
    "get_module",
    "get_module_output",
    "list_modules",
    "list_modules_output",
]
