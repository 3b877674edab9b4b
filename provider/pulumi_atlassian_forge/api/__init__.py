"""The REST API: protocol, client, connection pool, retries, rate limiter, errors. Independent of Pulumi."""
