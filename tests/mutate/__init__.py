"""Changes random places of the product and runs the tests that concern them (``make mutate``)."""
