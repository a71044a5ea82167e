"""A stack in a network of its own: its managed network provisioned, and whether this machine is where it answers.

May import cloud, settings and jobs.preflight; infra/ registers what is here as stages.
"""
