"""Folders to try the command in; each proves at its end that nothing which was started in it is left running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door.place import Place


def checked(place: Place) -> Iterator[Place]:
    """Give a place, and name what it left running."""
    yield place
    left = place.left()
    names = [f"{process.pid}: {process.name()}" for process in left]
    for process in left:
        process.kill()
    assert not names, f"left running: {names}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give a folder that the tests of one file share, and with it the runs they make."""
    yield from checked(Place(tmp_path_factory.mktemp("place")))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Place]:
    """Give a folder of this test's own."""
    yield from checked(Place(tmp_path))
