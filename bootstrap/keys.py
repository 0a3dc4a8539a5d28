"""`python -m bootstrap.keys` is `grpo keys`, also where the command `grpo` is not installed."""

import sys
from collections.abc import Sequence
from typing import NoReturn

from bootstrap import cli


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Carry out one command of `grpo keys` and end the process with its exit code."""
    cli.main(["keys", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    main()
