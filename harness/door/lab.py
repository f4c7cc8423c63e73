"""``assay lab``: a cluster of several hosts and planes, raised on this machine, and faults to plant in it."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence

from assay.harness.door.console import emit_json, out, parser
from assay.harness.errors import RefusalError
from assay.harness.lab import keep
from assay.harness.lab.fault import Fault
from assay.harness.lab.plan import bits, planned, told

SUMMARY = "raise a cluster of several hosts and planes on this machine, break it, mend it"
EPILOG = """\
  assay lab up --nodes 4 --planes 2 --rate 400mbit
  assay run site=lab launch=lab 'suite=[all_reduce]' suite.all_reduce.transport=gloo@plane1
  assay lab fault --node 2 --plane 1 --rate 200mbit           a card at half its rate; --one-way out|in
  assay lab fault --node 1 --plane 0 --down                   a dead one
  assay lab fault --node 1 --plane 0 --swap 1                 its cables of plane0 and plane1 each in the other's switch
  assay lab fault --node 1 --plane 0 --leak 1                 what it sends into plane0 goes over plane1
  assay lab status; assay lab heal; assay lab down
  assay lab exec --node 2 -- ip addr
Nodes are network namespaces with names of their own; nodes and planes count from 0. Root is needed. Nothing outside the lab's own
namespaces is touched; what a crashed lab left goes with the next up; ASSAY_LAB=NAME keeps a second one apart. On two cores keep the sum
of the rates near 1 Gbit/s.
"""


def main(argv: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    p = parser("lab", SUMMARY, EPILOG)
    p.add_argument("what", choices=["up", "fault", "status", "heal", "exec", "down"])
    p.add_argument("--nodes", type=int, default=4, help="up: how many (default: 4)")
    p.add_argument("--planes", type=int, default=2, help="up: how many (default: 2)")
    p.add_argument("--rate", help="up: of every interface (default: 400mbit); fault: what is left of it")
    p.add_argument("--node", type=int, help="fault, exec: which node, from 0")
    p.add_argument("--plane", type=int, help="fault: which plane, from 0")
    p.add_argument("--one-way", choices=["out", "in"], help="fault --rate: slow one direction only, as the node sees it")
    p.add_argument("--down", action="store_true", help="fault: the switch's port is off")
    p.add_argument("--swap", type=int, metavar="PLANE", help="fault: its cables of both planes in each other's switch")
    p.add_argument("--leak", type=int, metavar="PLANE", help="fault: traffic for --plane goes over this one")
    p.add_argument("--loss", type=float, metavar="PERCENT", help="fault: of packets, where the kernel has netem")
    p.add_argument("--json", action="store_true", help="print one JSON document")
    words = list(argv)
    cut = words.index("--") if "--" in words else len(words)  # what follows belongs to the command
    ns = p.parse_args(words[:cut])
    if ns.what == "exec":
        return execute(ns.node, words[cut + 1 :])
    if ns.what == "down":
        count = keep.down(os.environ)
        return say(ns, None, f"taken down: {count} namespaces" if count else "there was no lab")
    if ns.what == "up":
        lab = planned(os.geteuid(), nodes=ns.nodes, planes=ns.planes, rate=ns.rate or "400mbit", label=os.environ.get("ASSAY_LAB", ""))
        return say(ns, keep.up(lab, os.environ), "raised")
    if ns.what == "fault":
        return say(ns, keep.plant(fault_of(ns), os.environ), "planted")
    return say(ns, keep.heal(os.environ) if ns.what == "heal" else keep.standing(os.environ), "")


def fault_of(ns: Namespace) -> Fault:
    """Read which fault is meant; RefusalError unless it is exactly one, with its place."""
    for name in ("node", "plane"):
        if getattr(ns, name) is None:
            message = "says where the fault is to be"
            raise RefusalError(message, where=f"--{name}", fix="Write --node 2 --plane 1, for example; they count from 0.")
    kinds = {"rate": ns.rate, "down": ns.down or None, "swap": ns.swap, "leak": ns.leak, "loss": ns.loss}
    asked = [kind for kind, value in kinds.items() if value is not None]
    if len(asked) != 1:
        message = f"one fault at a time, and {len(asked)} are named"
        raise RefusalError(message, value=" ".join(asked) or None, where="fault", fix=f"Say one of --{', --'.join(kinds)}.")
    (kind,) = asked
    other = ns.swap if kind == "swap" else ns.leak if kind == "leak" else -1
    rate = bits(ns.rate, where="--rate") if kind == "rate" else 0.0
    ways = (ns.one_way,) if ns.one_way else ("out", "in")
    return Fault(kind, ns.node, ns.plane, other, rate, ns.loss or 0.0, ways)


def execute(node: int | None, command: Sequence[str]) -> int:
    """Become a command on a node of the lab."""
    kept = keep.standing(os.environ)
    if not command or node is None or not 0 <= node < kept.lab.nodes:
        message = "needs a node of the lab and, behind --, a command"
        raise RefusalError(message, value=node, where="exec", fix="Write assay lab exec --node 0 -- ip addr.")
    sys.stdout.flush()
    # The agent hands its words to a shell, as it must for mpiexec's.
    os.execv(str(kept.agent), [str(kept.agent), f"node{node}", *map(shlex.quote, command)])  # noqa: S606 - as the user asked


def say(ns: Namespace, kept: keep.Kept | None, done: str) -> int:
    """Tell how the lab stands."""
    faults = () if kept is None else kept.faults
    if ns.json:
        raised = None if kept is None else kept.lab.as_dict() | {"hosts": kept.lab.hosts()}
        emit_json({"schema": "assay.lab/1", "lab": raised, "faults": [fault.as_dict() for fault in faults]})
        return 0
    if done:
        out(done)
    if kept is not None:
        lab = kept.lab
        out(f"{lab.nodes} nodes ({', '.join(lab.hosts())}), {lab.planes} planes, {told(lab.rate)} each way on every interface")
        for line in [f"  fault at {fault}" for fault in faults] or ["  no fault is planted"]:
            out(line)
    return 0
