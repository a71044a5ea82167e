"""Verbs about one version of the model: what is known of it, and its files."""
