"""What runs in the user's program: resources, arguments, functions, warnings and preview errors."""
