"""`python -m inferq`."""

from inferq.cli import main

main()
