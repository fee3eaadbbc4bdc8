"""Surfaces: documents drawn for a terminal, in Markdown, in LaTeX; results as JSON. None of them calculates."""
