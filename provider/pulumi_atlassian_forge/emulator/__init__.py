"""The Forge dynamic modules API on a SQLite file: in process, over HTTP, or as a pytest fixture.

It follows the contract of :mod:`.contract` row by row and shares no rule with the provider that it is to test.
"""
