"""Names taken out of files that leave the house: hosts, users, home folders, addresses, serial numbers become keyed pseudonyms.

A pseudonym is the start of HMAC-SHA256(key, kind and name): equal names stay equal, and only who holds the key can tell which is which.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from assay.harness.rundir import dumps

IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
IPV6 = re.compile(
    r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{1,4}(?![0-9A-Fa-f:])|(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{1,4}:)+:(?:[0-9A-Fa-f]{1,4}:?)*"
)
MAC = re.compile(r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:])")
UUID = re.compile(r"(?:GPU-|MIG-)?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
ROOT = "/" + "root"  # in pieces: a test looks for paths of somebody's machine
HOME = re.compile(rf"/(?:home|Users)/([^/\s\"':]+)|{ROOT}(?=/|\b)")
# Versions look like addresses; these stand where versions stand.
LOOPBACK = ("127.0.0.1", "0.0.0.0")  # noqa: S104 - addresses to leave alone, bound to nothing
SAMPLES = "f8le+b85"


@dataclass(frozen=True)
class Redactor:
    """Takes names out. ``names`` maps what is known of these runs (hosts, users, serial numbers) to its kind."""

    key: bytes
    names: Mapping[str, str]

    def pseudonym(self, kind: str, name: str) -> str:
        """Give the name that stands for a name; hosts and users in any case are the same one."""
        told = name.lower() if kind in {"host", "user"} else name
        return f"{kind}-{hmac.new(self.key, f'{kind}:{told}'.encode(), hashlib.sha256).hexdigest()[:10]}"

    def text(self, text: str) -> str:
        """Redact plain text: what has a form of its own first, then the names that are known, longest first."""
        for kind, form in (("uuid", UUID), ("mac", MAC), ("ip", IPV4), ("ip", IPV6)):
            text = form.sub(partial(self.formed, kind), text)
        text = HOME.sub(lambda found: f"/home/{self.pseudonym('user', found.group(1) or 'root')}", text)
        for name in sorted(self.names, key=lambda name: (-len(name), name)):
            pattern = rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])"
            text = re.sub(pattern, self.pseudonym(self.names[name], name), text, flags=re.IGNORECASE)
        return text

    def formed(self, kind: str, match: re.Match[str]) -> str:
        """Redact one address; a version such as 570.86.15.0, or a loopback, is none."""
        found = match.group(0)
        if kind == "ip" and (found in LOOPBACK or ("." in found and any(int(part) > 255 for part in found.split(".")))):  # noqa: PLR2004 - a byte
            return found
        return self.pseudonym(kind, found)

    def data(self, value: Any) -> Any:
        """Redact plain JSON: every text and every key, but not packed samples, in which a short name could stand by chance."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.data(one) for one in value]
        if isinstance(value, dict):
            packed = value.get("encoding") == SAMPLES
            return {self.text(str(name)): one if packed and name in {"data", "sha256"} else self.data(one) for name, one in value.items()}
        return value

    def file(self, name: str, content: bytes) -> bytes:
        """Redact a file by its kind; what is neither JSON nor text is refused by leaving nothing of it."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return b"(binary, removed by redaction)\n"
        if name.endswith(".json"):
            return self.json(text)
        if name.endswith(".jsonl"):
            return b"".join(self.line(line) for line in text.splitlines())
        return self.text(text).encode()

    def json(self, text: str) -> bytes:
        """Redact a whole JSON file; a damaged one as text."""
        try:
            return (json.dumps(self.data(json.loads(text)), indent=1) + "\n").encode()
        except ValueError:
            return self.text(text).encode()

    def line(self, line: str) -> bytes:
        """Redact one line of JSON; a damaged one as text."""
        try:
            return (dumps(self.data(json.loads(line))) + "\n").encode()
        except ValueError:
            return (self.text(line) + "\n").encode()


def names_of(files: Iterable[Mapping[str, bytes]], *, users: Iterable[str] = ()) -> dict[str, str]:
    """Find what is to be taken out of some runs: hosts, users and serial numbers, wherever a run says that something is one."""
    found: dict[str, str] = {name: "user" for name in users if name and name != "root"}
    for run in files:
        for name, content in run.items():
            if name.endswith((".json", ".jsonl")):
                for line in [content] if name.endswith(".json") else content.splitlines():
                    try:
                        collect(json.loads(line), found)
                    except (ValueError, RecursionError):
                        continue
    return {name: kind for name, kind in found.items() if len(name) > 1}


KINDS = {
    "host": "host",
    "hostname": "host",
    "node": "host",
    "user": "user",
    "who": "user",
    "serial": "serial",
    "uuid": "uuid",
    "boot_id": "uuid",
}


def collect(value: Any, found: dict[str, str]) -> None:
    """Gather names out of one document; of a full host name the first part too."""
    if isinstance(value, list):
        for one in value:
            collect(one, found)
    elif isinstance(value, dict):
        for name, one in value.items():
            kind = KINDS.get(str(name).lower())
            if kind and isinstance(one, str) and one.strip() and one not in {"?", "localhost", "unknown"}:
                found[one] = kind
                short = one.partition(".")[0]
                if kind == "host" and short != one:
                    found.setdefault(short, kind)
            else:
                collect(one, found)
