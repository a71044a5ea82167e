"""The prompt flow of the tutorial, and a terminal chat through it."""
