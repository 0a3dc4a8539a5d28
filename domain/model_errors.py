"""Errors of models as files; the tree is in `domain.errors`."""

from domain.errors import FieldError, GrpoError, InvalidInput


class InvalidModelFile(InvalidInput):
    """The bytes are no model that can be read here."""

    code = "invalid-model-file"
    title = "Invalid model file"

    def __init__(self, message: str) -> None:
        super().__init__(FieldError("body", message))


class ExtraNotInstalled(GrpoError):
    """What was asked for needs a package that is optional and missing."""

    code = "extra-not-installed"
    title = "Optional package is not installed"

    def __init__(self, what: str, package: str) -> None:
        super().__init__(f"{what} needs the package {package}, which this server has not; `pip install {package}` brings it.")
        self.package = package
