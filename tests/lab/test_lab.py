"""A lab on this machine: real hosts, real planes, faults that show where they were planted and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BESIDE, left_running
from tests.door.place import BUDGET, Place, assert_refused

pytestmark = pytest.mark.lab
RATE = 200e6
RECEIVE = """
import socket, sys, time
with socket.create_server((sys.argv[1], 5001)) as server:
    print("ready", flush=True)
    server.settimeout(2)
    try:
        line, _ = server.accept()
    except TimeoutError:
        print(0)
        sys.exit()
    line.settimeout(4)
    got, begun = 0, 0.0
    while chunk := line.recv(1 << 16):
        begun = begun or time.monotonic()
        got += len(chunk)
    print(8 * got / (time.monotonic() - begun))
"""
SEND = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], 5001), timeout=1) as line:
        line.settimeout(10)
        line.sendall(bytes(int(sys.argv[2])))
except OSError as error:
    sys.exit(str(error))
"""


class Bench:
    """A place with a lab in it."""

    def __init__(self, place: Place) -> None:
        """Keep the lab apart from any other of this user."""
        self.place = place
        self.env = {"ASSAY_LAB": "tests", "XDG_STATE_HOME": str(place.folder / "state")}

    def lab(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the verb."""
        return self.place.assay("lab", *words, env=self.env)

    def ok(self, *words: str) -> str:
        """Run the verb, which must succeed; returns what it prints."""
        done = self.lab(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def on(self, node: int, *command: str) -> str:
        """Run a command on a node."""
        return self.ok("exec", "--node", str(node), "--", *command)

    def rate(self, sender: int, receiver: int, plane: int, *, nbytes: int = 4 << 20) -> float:
        """Measure bit/s from one node to another in a plane; 0 where they do not reach each other."""
        address = f"10.{10 + plane}.0.{receiver + 1}"
        ears = subprocess.Popen(
            [str(BESIDE / "assay"), "lab", "exec", "--node", str(receiver), "--", sys.executable, "-c", RECEIVE, address],
            stdout=subprocess.PIPE,
            text=True,
            env={**self.place.environ, **self.env},
        )
        with ears:
            assert ears.stdout is not None
            assert ears.stdout.readline().strip() == "ready"
            self.lab("exec", "--node", str(sender), "--", sys.executable, "-c", SEND, address, str(nbytes))
            return float(ears.stdout.read())

    def sent(self, node: int, plane: int) -> int:
        """Read how many bytes a node's interface has sent."""
        return int(self.on(node, "cat", f"/sys/class/net/plane{plane}/statistics/tx_bytes"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Raise one lab for all tests here; whatever happens, it is taken down."""
    found = Bench(Place(tmp_path_factory.mktemp("lab")))
    try:
        found.ok("up", "--nodes", "3", "--planes", "2", "--rate", "200mbit")
        yield found
    finally:
        found.lab("down")


@pytest.fixture
def whole(bench: Bench) -> Iterator[Bench]:
    """Give the lab without a fault, and leave it so."""
    bench.ok("heal")
    yield bench
    bench.ok("heal")


def test_nodes_have_names_and_planes_of_their_own(whole: Bench) -> None:
    assert whole.on(1, "hostname").strip() == "node1"
    rates = [whole.rate(0, 1, plane) for plane in range(2)]
    assert all(0.7 * RATE < rate < 1.2 * RATE for rate in rates), rates
    assert whole.lab("exec", "--node", "0", "--", "sh", "-c", "exit 7").returncode == 7
    # Nothing leads from one plane into the other.
    assert "10.11.0.2 dev plane1" in whole.on(0, "ip", "route", "get", "10.11.0.2")


def test_a_slow_card_is_slow_in_its_plane_only_and_mends(whole: Bench) -> None:
    said = whole.ok("fault", "--node", "2", "--plane", "1", "--rate", "100mbit")
    assert "fault at node2, plane1: 100mbit" in said
    slow, other = whole.rate(0, 2, 1), whole.rate(0, 2, 0)
    assert 0.35 < slow / other < 0.65
    whole.ok("heal")
    assert whole.rate(0, 2, 1) / whole.rate(0, 2, 0) > 0.8


def test_one_direction_can_be_slow_alone(whole: Bench) -> None:
    whole.ok("fault", "--node", "1", "--plane", "0", "--rate", "50mbit", "--one-way", "in")
    coming, going = whole.rate(0, 1, 0), whole.rate(1, 0, 0)
    assert coming / going < 0.5


def test_a_dead_port_and_a_swapped_cable_reach_nobody_until_mended(whole: Bench) -> None:
    whole.ok("fault", "--node", "1", "--plane", "1", "--down")
    assert whole.rate(0, 1, 1) == 0
    assert whole.rate(0, 1, 0) > 0
    whole.ok("heal")
    whole.ok("fault", "--node", "1", "--plane", "0", "--swap", "1")
    assert [whole.rate(0, 1, plane) for plane in range(2)] == [0, 0]
    assert whole.rate(0, 2, 0) > 0
    whole.ok("heal")
    for plane in range(2):  # the neighbours' addresses are asked for anew, so the first word may come late
        assert any(whole.rate(0, 1, plane) > 0.7 * RATE for _ in range(3))


def test_a_leak_moves_the_counters_of_the_other_plane(whole: Bench) -> None:
    def moved() -> tuple[int, int]:
        before = [whole.sent(1, plane) for plane in range(2)]
        assert whole.rate(1, 0, 0) > 0
        own, other = (whole.sent(1, plane) - count for plane, count in enumerate(before))
        return own, other

    own, other = moved()
    assert own > 4 << 20 > 100 * other
    whole.ok("fault", "--node", "1", "--plane", "0", "--leak", "1")
    own, other = moved()
    assert other > 4 << 20 > 100 * own


def test_packets_are_lost_where_the_kernel_can_and_refused_with_the_reason_where_not(whole: Bench) -> None:
    done = whole.lab("fault", "--node", "0", "--plane", "0", "--loss", "30")
    if done.returncode == 3:
        assert "no netem" in done.stderr
        assert "no fault is planted" in whole.ok("status")
    else:
        assert "30 % of packets lost" in done.stdout
        assert whole.rate(0, 1, 0) < 0.5 * whole.rate(0, 1, 1)


@pytest.mark.mpi
def test_real_ranks_run_on_its_nodes_and_a_slow_card_shows_in_its_plane(whole: Bench) -> None:
    whole.ok("fault", "--node", "1", "--plane", "1", "--rate", "100mbit")
    words = ("site=lab", "launch=lab", "site.nranks=2", "site.nodes=2", "suite=[all_reduce]", "hardware.name=none")
    axes = ("suite.all_reduce.axes.bytes=[1048576]", '+suite.all_reduce.axes.transport=["gloo@plane0","gloo@plane1"]')
    done = whole.place.assay("run", *words, *axes, *BUDGET, "--allow-inconclusive", env=whole.env)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = whole.place.show()
    keys = {case["key"]: case["params"]["transport"] for case in shown["cases"]}
    times = {keys[record["key"]]: record["value"] for record in shown["records"] if record["metric"] == "time"}
    assert 0.35 < times["gloo@plane0"] / times["gloo@plane1"] < 0.7
    assert {rank["host"] for rank in shown["ranks"]} == {"node0", "node1"}


@pytest.mark.mpi
def test_more_nodes_than_it_has_and_interfaces_that_it_lacks_are_told(whole: Bench) -> None:
    assert_refused(
        whole.place.assay("run", "site=lab", "launch=lab", "suite=[all_reduce]", env=whole.env), "site.nodes", "the lab has 3 nodes"
    )
    words = ("site=lab", "launch=lab", "site.nranks=2", "site.nodes=2", "suite=[all_reduce]", "suite.all_reduce.axes.bytes=[8]")
    done = whole.place.assay("run", *words, "suite.all_reduce.transport=gloo@plane7", "hardware.name=none", *BUDGET, env=whole.env)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "plane7 is no interface of node0, which has" in done.stdout


def test_up_clears_what_a_crashed_lab_left_and_nothing_else(whole: Bench) -> None:
    def outside() -> set[str]:
        links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
        return {line.split()[0] for line in links.splitlines()}

    before = outside()
    (Path(whole.env["XDG_STATE_HOME"]) / "assay" / "lab" / "tests" / "lab.json").unlink()
    assert_refused(whole.lab("status"), "no lab stands here")
    whole.ok("up", "--nodes", "3", "--planes", "2", "--rate", "200mbit")
    assert outside() == before
    assert not left_running(str(whole.place.folder))
