"""`python -m expctl`: the same as the `expctl` command."""

from expctl.cli.app import main

main()
