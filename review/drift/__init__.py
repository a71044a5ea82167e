"""What is no longer as the last update left it, and whose doing that is."""
