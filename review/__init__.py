"""A stack diff that a person can approve: what it sets in motion, risks and costs, and if policies allow it.

Not in it: the policies (`policy`), which the preview it reads is run with.
A command: nobody imports it; of ours it imports `settings` and `cloud`.
"""
