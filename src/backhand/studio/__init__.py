"""The page where a network is worked step by step: a local server that answers, and the files of the page."""

from pathlib import Path

STATIC = Path(__file__).with_name("static")
