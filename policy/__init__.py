"""The policy pack: what a stack may declare, checked in every preview that is run with it.

Not in it: checks of settings (`settings`) and of what Azure has (`jobs.preflight`).
The engine loads it by itself; nobody imports it but the page's maker, and of ours it imports `settings` and `cloud`.
"""
