"""What a dynamic module is: its id, values, content, comparison and validation. No Pulumi, no I/O."""
