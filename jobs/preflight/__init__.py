"""What Azure would refuse, found before the first resource is made.

Not in it: checks of settings, which ask nobody (`settings`). Pulumi's preflight and the command import it.
"""
