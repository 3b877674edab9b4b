"""What grows: fleets of installations, and stacks that declare on many of them."""
