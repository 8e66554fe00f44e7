"""A run whose logs are read elsewhere, slice by slice: on a cluster, or wherever tasks can be sent.

What counts is decided here, in order, with the state of all processes; all else is done where the task runs.
"""
