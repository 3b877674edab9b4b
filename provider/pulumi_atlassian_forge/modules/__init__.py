"""What a module is: its values, its content, its rules, and what makes two of them the same. No Pulumi, no I/O.

====================  ===============================================================================================
:mod:`.values`        JSON values and the unknown ones of a preview; whole floats as integers
:mod:`.content`       type and data of a module, and its way from and to the properties that stand in state
:mod:`.compare`       whether two contents are the same, what differs, and a live module seen through a declaration
:mod:`.rules`         everything that is wrong with a declaration (pydantic; loaded by the plugin, never by a program)
:mod:`.known_types`   the 17 known types, as data (in the words of :mod:`.specs`)
:mod:`.events`        the 184 known events, as data
:mod:`.advice`        what is only suspicious: misspelt names, long references
====================  ===============================================================================================
"""
