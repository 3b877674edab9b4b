"""What grows: fleets of installations, stacks that declare on many of them, and what that means for thousands."""
