"""What can be asked of an exercise, by name; the command offers these without loading anything else."""

from __future__ import annotations

LEVELS = ("forward", "partial", "partials", "update", "batch", "letters", "mistake")
DIFFICULTIES = ("easy", "normal", "hard")
COSTS = ("mse", "sse", "half", "half-mean", "cross-entropy")
PAPER = {"html": ".html", "pdf": ".pdf", "markdown": ".md", "latex": ".tex", "typst": ".typ", "text": ".txt"}
PLATFORMS = ("moodle", "cloze", "gift", "qti21", "qti12", "prairielearn", "stack")
TARGETS = (*PAPER, "sheets", "xlsx", "csv", *PLATFORMS)
