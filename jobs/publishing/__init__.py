"""Stage flow: the prompt flow, put into the Foundry project."""
