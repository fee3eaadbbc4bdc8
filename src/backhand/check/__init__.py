"""Marking: what a person worked out, number by number; which step went wrong first, and what explains it."""
