"""Makes the fake back end an installed package, without installing anything."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def path(folder: Path) -> str:
    """Write the package's metadata into ``folder`` and give the entries for PYTHONPATH."""
    info = folder / "fake_accelerator-8.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-accelerator\nVersion: 8.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[assay.devices]\nfake8 = fake_accelerator:open_device\n[assay.telemetry]\nfake8 = fake_accelerator:open_telemetry\n",
        encoding="utf-8",
    )
    return f"{HERE}:{folder}"
