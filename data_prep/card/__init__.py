"""The data card: what was made of which data, as JSON, page and pictures."""
