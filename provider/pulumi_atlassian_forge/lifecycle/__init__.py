"""The decisions: what to send, what to remember of the response, when to refuse. No Pulumi and no HTTP."""
