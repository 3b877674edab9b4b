"""The authentication methods: how the provider authenticates, and where it sends requests."""
