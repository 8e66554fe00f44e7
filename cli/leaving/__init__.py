"""Leaving django-prometheus: every trace of it in a project, and the change that takes it out.

A project is read as text and never imported or run. A trace knows where it stands, what to do about it and, where
that is safe, the edits that do it; `audit` lists traces, `migrate` applies their edits stage by stage.
"""
