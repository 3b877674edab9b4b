"""How the API is spoken: requests and answers, client, retries, authentication, errors. Knows nothing of Pulumi."""
