"""An installed package "acme" that brings telemetry: its source, and how a test puts it where Python finds it."""

from __future__ import annotations

from pathlib import Path

SOURCE = """
import os
import signal
import time

TROUBLE = os.environ.get("ACME_TROUBLE", "")


class Acme:
    source = "acme 1.0"

    def device(self):
        return {"uuid": "ACME-0", "name": "Acme accelerator"}

    def readings(self):
        return {
            "power_watts": self.power,
            "energy_joules": lambda: 250.0 * time.monotonic(),
            "temperature_celsius": lambda: 55,
            "sm_clock_mhz": lambda: 900 if TROUBLE == "throttled" else 1000,
            "sm_clock_max_mhz": lambda: 1000,
            "throttle": lambda: ["acme too hot"] if TROUBLE == "throttled" else [],
            "processes": self.processes,
        }

    def power(self):
        print("a library that prints")
        if TROUBLE == "frozen":
            os.kill(os.getpid(), signal.SIGSTOP)
        if TROUBLE == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        return 250.0

    def processes(self):
        pid = int(os.environ.get("ACME_PID", "0"))
        return [{"pid": pid, "name": "train.py", "memory_nbytes": 6 << 30}] if pid else []

    def close(self):
        pass


def open_acme(facts):
    if TROUBLE == "raises":
        raise RuntimeError("no driver of acme")
    return Acme()
"""


def install(folder: Path) -> dict[str, str]:
    """Write the package into ``folder`` and give the environment in which it is installed."""
    info = folder / "acme_telemetry-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "acme_telemetry.py").write_text(SOURCE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-telemetry\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[assay.telemetry]\nacme = acme_telemetry:open_acme\n", encoding="utf-8")
    return {"PYTHONPATH": str(folder)}
