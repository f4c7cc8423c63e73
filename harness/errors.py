"""Our errors. Each maps to one exit code, and each says what was wrong, where it came from and the way out."""

from __future__ import annotations


class AssayError(Exception):
    """Base of every error that Assay raises on purpose; a door turns it into one line and an exit code."""

    exit_code = 2


class RefusalError(AssayError):
    """Bad usage, configuration or plan: refused before anything was measured (exit code 3).

    Args:
        message: what is wrong, in one sentence without a full stop.
        value: the offending value, if there is one.
        where: where it came from: a config path (``suite.gemm.axes.m``), a file, an option or a variable.
        fix: the way out, as an instruction.

    """

    exit_code = 3

    def __init__(self, message: str, *, value: object = None, where: str = "", fix: str = "") -> None:
        """Keep the parts, so that a caller who knows more (the config path) can add to them."""
        self.message, self.value, self.where, self.fix = message, value, where, fix
        super().__init__(message)

    def __str__(self) -> str:
        """Say all parts in one line."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        if self.value is not None:
            text += f" (got {self.value!r})"
        return f"{text}. {self.fix}" if self.fix else text


class NotApplicableError(AssayError):
    """This site cannot have what the case asks for (a number format, a transport): listed, without effect."""


class StoreError(AssayError):
    """A store or a run file cannot be read or written (exit code 2)."""


class BrokenWorldError(AssayError):
    """The control world cannot agree any more: this launch is over, the next one goes on without the case."""


class InterruptedRunError(BaseException):
    """Somebody asked the run to stop (Ctrl-C, SIGTERM, SIGHUP); no handler for errors may take it for one."""
