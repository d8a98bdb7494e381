"""`python -m copilotd`: the command line."""

from copilotd.cli import main

if __name__ == "__main__":
    main()
