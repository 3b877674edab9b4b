"""Emulator of the Forge dynamic modules API on a SQLite file: in process, over HTTP, or as a pytest fixture (:mod:`..testing`).

It follows the API assumptions of :mod:`.api_assumptions`, and validates data with the provider's table of module types.
"""
