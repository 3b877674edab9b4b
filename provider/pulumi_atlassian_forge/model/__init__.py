"""What a dynamic module is: its id, values, content, comparison and validation. No Pulumi, no I/O.

====================  ============================================================================================
:mod:`.module_id`     the id of a resource, and the versions of the API
:mod:`.values`        JSON values and unknown ones; normalization, and what JSON cannot carry
:mod:`.content`       type and data of a module, to and from the properties in state
:mod:`.comparison`    whether two contents are the same, what differs, and a live module seen through a declaration
:mod:`.validation`    every validation error of a declaration
:mod:`.problems`      one validation error, with its path in state and its name in a program
:mod:`.suggestions`   the nearest known name to a misspelled one
:mod:`.catalog`       the known module types and events, as data
====================  ============================================================================================
"""
