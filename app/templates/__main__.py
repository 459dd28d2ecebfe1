"""The process that renders: see :mod:`app.templates.rendering`."""

from app.templates.rendering import main

main()
