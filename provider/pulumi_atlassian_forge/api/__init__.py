"""How the API is spoken: requests and responses, client, retries, authentication, errors. Knows nothing of Pulumi."""
