"""Back ends of torch.distributed (gloo, nccl, any other) as transports under test, without torch's global default group."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from assay.collectives.buffers import device_buffer, host_buffer
from assay.collectives.rendezvous import address_of, open_store
from assay.collectives.transport import Step
from assay.harness.errors import AssayError, NotApplicableError

if TYPE_CHECKING:
    from assay.harness.world.protocol import World

TIMEOUT = timedelta(seconds=60)
ALIASES = {"rccl": "nccl"}  # torch built for HIP has RCCL under NCCL's name
IN_PLACE = "the library's all-reduce works in place: a step is a copy of the message and then the all-reduce"


def missing(name: str, device: str) -> str:
    """Say why this process cannot have ``gloo`` or ``nccl`` on a torch device; empty if it can."""
    import torch
    import torch.distributed as dist

    if not dist.is_available():
        return "this torch was built without torch.distributed"
    if name not in ("gloo", "nccl"):
        return registered(name, device)
    if name == "gloo":
        return "" if hasattr(dist, "ProcessGroupGloo") else "this torch was built without Gloo"
    if not (dist.is_nccl_available() and hasattr(dist, "ProcessGroupNCCL")):
        return "this torch was built without NCCL"
    if not device.startswith("cuda") or not torch.cuda.is_available():
        return "NCCL needs a CUDA device for each rank (device=cuda)"
    return ""


class TorchGroup:
    """All ranks of the launch in one process group of its own."""

    def __init__(self, name: str, world: World, *, device: str, interface: str = "") -> None:
        """Connect all ranks (collective); Gloo over one network interface, that of a plane for example, where one is named.

        NotApplicableError on every rank if one of them cannot have this transport; AssayError if they cannot be connected.
        """
        backend = backend_of(name)
        interface = interface or (os.environ.get("GLOO_SOCKET_IFNAME", "") if backend == "gloo" else "")  # as torch itself reads it
        refuse_together(backend, world, device, interface)
        self.name, self.rank, self.size = name, world.rank, world.size
        self._backend, self._device = backend, place_of(backend, device)
        self._store, address = open_store(world, timeout=TIMEOUT, interface=interface)
        try:
            self._group: Any = connect(backend, self._store, world, address)
            self._meet()
        except RuntimeError as error:
            message = f"rank {world.rank} cannot connect over {name}: {error}"
            raise AssayError(message) from error
        self.notes: Mapping[str, str] = {
            "algorithm": f"chosen by {backend}",
            "buffers": self._device,
            **({"interface": f"{interface}, {address} on rank 0"} if interface else {}),
            **(crowding(world) if backend == "gloo" else {}),
        }

    def _meet(self) -> None:
        """Exchange one number, so that every connection is up and nobody needs the store to find others any more."""
        number = tensor(self.buffer(1, "fp32"))
        self._group.allreduce([number]).wait()
        number.cpu()

    def buffer(self, count: int, dtype: str) -> Any:
        """Allocate a numpy vector (gloo) or a vector on the device (nccl)."""
        return host_buffer(count, dtype) if self._device == "cpu" else device_buffer(count, dtype, device=self._device)

    def all_reduce(self, send: Any, recv: Any) -> Step:
        """Copy ``send`` to ``recv``, then sum in place: the group has no other all-reduce."""
        source, target = tensor(send), tensor(recv)
        copy, operands = target.copy_, [target]
        self.notes = {**self.notes, "out of place": IN_PLACE}

        def step() -> None:
            copy(source)
            self._group.allreduce(operands).wait()

        return step

    def all_to_all(self, send: Any, recv: Any) -> Step:
        """Exchange equal blocks."""
        source, target = tensor(send), tensor(recv)

        def step() -> None:
            self._group.alltoall_base(target, source, [], []).wait()

        return step

    def all_gather(self, send: Any, recv: Any) -> Step:
        """Gather into one vector."""
        source, target, gather = tensor(send), tensor(recv), self._has("_allgather_base")

        def step() -> None:
            gather(target, source).wait()

        return step

    def reduce_scatter(self, send: Any, recv: Any) -> Step:
        """Sum, and keep one block."""
        source, target, scatter = tensor(send), tensor(recv), self._has("_reduce_scatter_base")

        def step() -> None:
            scatter(target, source).wait()

        return step

    def all_to_all_v(self, send: Any, recv: Any, sends: Sequence[int], receives: Sequence[int]) -> Step:
        """Exchange blocks of unequal length."""
        source, target, exchange = tensor(send), tensor(recv), self._has("alltoall_base")
        outgoing, coming = list(sends), list(receives)

        def step() -> None:
            exchange(target, source, coming, outgoing).wait()

        return step

    def broadcast(self, buffer: Any, root: int) -> Step:
        """Send the root's vector to all."""
        import torch.distributed as dist

        operands, spread, options = [tensor(buffer)], self._has("broadcast"), dist.BroadcastOptions()
        options.rootRank, options.rootTensor = root, 0

        def step() -> None:
            spread(operands, options).wait()

        return step

    def shift(self, send: Any, recv: Any) -> Step:
        """Send to the next rank while receiving from the one before."""
        source, target = [tensor(send)], [tensor(recv)]
        put, get, after, before = self._has("send"), self._has("recv"), (self.rank + 1) % self.size, (self.rank - 1) % self.size
        if self.size == 1:
            return lambda: target[0].copy_(source[0])
        if self._backend == "nccl":
            return self._coalesced(lambda: (put(source, after, 0), get(target, before, 0)))

        def step() -> None:
            coming = get(target, before, 0)
            put(source, after, 0).wait()
            coming.wait()

        return step

    def _coalesced(self, calls: Callable[[], object]) -> Step:
        """Put calls into one group: two of NCCL's calls one after the other would wait for each other."""
        device = tensor(self.buffer(1, "fp32")).device

        def step() -> None:
            self._group._start_coalescing(device)  # noqa: SLF001 - what torch's own batch_isend_irecv calls
            calls()
            self._group._end_coalescing(device).wait()  # noqa: SLF001 - the same

        return step

    def _has(self, name: str) -> Any:
        """Give a method of the back end; NotApplicableError if it has none."""
        found = getattr(self._group, name, None)
        if found is None:
            message = f"{self._backend} has no {name.strip('_').removesuffix('_base')}"
            raise NotApplicableError(message)
        return found

    def close(self) -> None:
        """Shut the group down and give back its connections and the store's port."""
        group, self._group, self._store = self._group, None, None
        if self._backend != "gloo" and hasattr(group, "shutdown"):
            group.shutdown()


def backend_of(name: str) -> str:
    """Give torch's name of a transport's back end: ``torch:xccl`` and ``gloo`` are their own, RCCL goes by NCCL's."""
    backend = name.removeprefix("torch:").lower()
    return ALIASES.get(backend, backend)


def registered(backend: str, device: str) -> str:
    """Say why torch's registry cannot give a back end for a device; empty if it can."""
    import torch.distributed as dist

    if backend not in dist.Backend.backend_list:
        return f"this torch knows the back ends {', '.join(name for name in dist.Backend.backend_list if name != 'undefined')}"
    kind, able = device.split(":", maxsplit=1)[0], capable(backend)
    if kind not in able and "cpu" not in able:
        return f"{backend} carries {' and '.join(able)}, not {kind}"
    if not (class_of(backend) or backend.upper() in dist.Backend._plugins):  # noqa: SLF001 - the registry has no public reader
        return f"this torch was built without {backend}"
    return ""


def capable(backend: str) -> list[str]:
    """List the kinds of device whose tensors a back end carries, as torch's registry says it."""
    import torch.distributed as dist

    return list(dist.Backend.backend_capability.get(backend, []))


def place_of(backend: str, device: str) -> str:
    """Say where messages lie: gloo's in the host's memory, others' on the device if they can carry it."""
    if backend == "gloo":
        return "cpu"
    return device if backend == "nccl" or device.split(":", maxsplit=1)[0] in capable(backend) else "cpu"


def class_of(backend: str) -> Any:
    """Find the class of a back end that torch itself brings; None if it has none."""
    import torch.distributed as dist

    return getattr(dist, f"ProcessGroup{backend.upper()}", None)


def connect(backend: str, store: Any, world: World, address: str) -> Any:
    """Connect all ranks over a back end: ours by name, torch's own by class, others' through what they registered."""
    import torch.distributed as dist

    if backend == "gloo":
        return gloo(store, world, address)
    if backend == "nccl":
        return nccl(store, world)
    from torch._C._distributed_c10d import _DistributedBackendOptions  # what an extended creator takes

    plugin = dist.Backend._plugins.get(backend.upper())  # noqa: SLF001 - the registry has no public reader
    if plugin is None:
        return class_of(backend)(store, world.rank, world.size)
    if not plugin.extended_api:
        return plugin.creator_fn(store, world.rank, world.size, TIMEOUT)
    options = _DistributedBackendOptions()
    options.store, options.group_rank, options.group_size, options.timeout = store, world.rank, world.size, TIMEOUT
    options.group_id, options.global_ranks_in_group = "assay", list(range(world.size))
    return plugin.creator_fn(options, None)


def crowding(world: World) -> dict[str, str]:
    """Note that ranks have fewer than two cores each: gloo receives in a thread of its own, which then waits behind ranks that spin.

    On two cores, two ranks and a spinning barrier, a 64 KiB all-reduce took 4 ms in place of 0.6 ms.
    """
    here = socket.gethostname()
    ranks = world.allgather(here).count(here)
    cores = os.cpu_count() or 1
    if cores >= 2 * ranks and len(os.sched_getaffinity(0)) > 1:
        return {}
    return {
        "crowded": f"{ranks} ranks on {cores} cores: gloo's own threads share them, so its times are the scheduler's as much as its own"
    }


def refuse_together(name: str, world: World, device: str, interface: str = "") -> None:
    """Raise NotApplicableError on every rank if any rank lacks what it needs, so that none is left waiting."""
    reasons = world.allgather(missing(name, device) or no_interface(interface))
    for rank, reason in enumerate(reasons):
        if reason:
            message = f"transport {name} is not to be had on rank {rank}: {reason}"
            raise NotApplicableError(message)


def no_interface(name: str) -> str:
    """Say why this host cannot use an interface; empty if it can, or if none is named."""
    try:
        if name:
            address_of(name)
    except NotApplicableError as error:
        return str(error)
    return ""


def gloo(store: Any, world: World, address: str) -> Any:
    """Connect every rank with every other over TCP on the interface of ``address``."""
    import torch.distributed

    dist: Any = torch.distributed  # its stubs leave these classes out
    options = dist.ProcessGroupGloo._Options()  # noqa: SLF001 - the only way to name the interface without an environment variable
    options._devices = [dist.ProcessGroupGloo.create_device(hostname=address)]  # noqa: SLF001 - same
    options._timeout = TIMEOUT  # noqa: SLF001 - same
    return dist.ProcessGroupGloo(store, world.rank, world.size, options)


def nccl(store: Any, world: World) -> Any:
    """Connect every rank's device."""
    import torch.distributed as dist

    options = dist.ProcessGroupNCCL.Options()
    options._timeout = TIMEOUT  # noqa: SLF001 - the attribute has no public name
    return dist.ProcessGroupNCCL(store, world.rank, world.size, options)


def tensor(buffer: Any) -> Any:
    """View a host buffer as a tensor on the same memory; a tensor is returned as it is."""
    import numpy as np
    import torch

    return torch.from_numpy(buffer) if isinstance(buffer, np.ndarray) else buffer
