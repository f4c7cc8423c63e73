"""Names the packages: the folders stand at top level and import as ``assay.*`` (everything else is in pyproject)."""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOMS = ("harness", "suites", "collectives", "conf", "results")


class BuildRooms(build_py):
    """Leaves the root's own scripts (noxfile) out: only ``__init__`` of the root belongs to the package."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """List (package, module, file) of one package."""
        found = super().find_package_modules(package, package_dir)
        return [row for row in found if package != "assay" or row[1] == "__init__"]


setup(
    packages=["assay", *(f"assay.{name}" for name in find_packages(include=[r + e for r in ROOMS for e in ("", ".*")]))],
    package_dir={"assay": "."},
    cmdclass={"build_py": BuildRooms},
)
