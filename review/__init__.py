"""A stack diff that a person can approve: what it sets in motion, risks and costs, and if policies allow it."""
