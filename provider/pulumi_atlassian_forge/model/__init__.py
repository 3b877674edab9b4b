"""What a dynamic module is: its id, values, content, comparison and validation. No Pulumi, no I/O.

====================  ============================================================================================
:mod:`.module_id`     the id of a resource, and the versions of the API
:mod:`.values`        JSON values and the unknown ones of a preview; whole floats as integers
:mod:`.content`       type and data of a module, to and from the properties that stand in state
:mod:`.comparison`    whether two contents are the same, what differs, and a live module seen through a declaration
:mod:`.validation`    every validation error of a declaration (pydantic; loaded by the plugin, never by a program)
:mod:`.suggestions`   the nearest known name to an unknown one
:mod:`.catalog`       the known module types and events, as data
====================  ============================================================================================
"""
