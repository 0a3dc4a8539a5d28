"""The operator's own environments: modules that register them, imported at the start of the server and of each worker."""

import importlib
from collections.abc import Iterable


def import_env_modules(names: Iterable[str]) -> None:
    """The one place where a module is imported by its name, which comes from the settings and never from a request.

    Raises what the import raises, ImportError where there is no such module.
    """
    for name in names:
        importlib.import_module(name)
