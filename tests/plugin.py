"""Distributions as pip would install them, without network and without a build: modules and a folder of metadata."""

import shutil
import tomllib
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "examples" / "plugin"


def install(target: Path, name: str, entry_points: dict[str, dict[str, str]], module: str = "", source: str = "") -> None:
    """A distribution with these entry points, by group, and a module with this source."""
    metadata = target / f"{name.replace('-', '_')}-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n", encoding="utf-8")
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        for group, points in entry_points.items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    if module:
        (target / f"{module}.py").write_text(source, encoding="utf-8")


def install_example(target: Path) -> None:
    """The plug-in of examples/plugin, by what its pyproject.toml says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))
    for module in project["tool"]["setuptools"]["py-modules"]:
        shutil.copy(EXAMPLE / f"{module}.py", target)
    install(target, project["project"]["name"], project["project"]["entry-points"])
