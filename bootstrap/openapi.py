"""Writes docs/openapi.json: `python -m bootstrap.openapi`."""

import tempfile
from pathlib import Path

from adapters.http.app import create_app
from adapters.http.openapi import as_document
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings

TARGET = Path(__file__).parent.parent / "docs" / "openapi.json"


def document() -> bytes:
    """The schema as the server gives it."""
    with tempfile.TemporaryDirectory() as folder:
        container = build(Settings(data_dir=folder, executor="inline"))
        try:
            return as_document(create_app(container.use_cases, VERSION).openapi_schema.to_schema())
        finally:
            container.close()


if __name__ == "__main__":
    TARGET.write_bytes(document())
