"""`python -m backhand`."""

from .cli.main import main

main()
