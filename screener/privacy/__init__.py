"""What is deleted: what was kept for long enough, and all that is known of a number."""
