"""Emulator of the Forge dynamic modules API on a SQLite file: in process, over HTTP, or as a pytest fixture.

It follows the API assumptions of :mod:`.contract`, and validates data with the provider's table of module types.
"""
