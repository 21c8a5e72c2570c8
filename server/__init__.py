"""What programs ask through; it translates and decides nothing."""
