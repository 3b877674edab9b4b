"""What the dynamic provider's process needs beside the session: Pulumi's values, its thread pool, its repeated errors."""
