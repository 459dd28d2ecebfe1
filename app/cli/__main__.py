"""``python -m app.cli``: the command line without an installed package."""

from app.cli import main

main()
