"""Shell completion: verbs, options, run names, and overrides by Hydra's own rules."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from assay.harness.door.console import parser
from assay.harness.errors import AssayError

SUMMARY = 'print the completion script of a shell: eval "$(assay completion bash)"'
MEASURING = ("run", "plan")
READING = ("show", "compare", "tag", "rerun")
BASH = """\
_assay() {
    local IFS=$'\\n'
    COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
    COMPREPLY=($(assay __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace
}
complete -o nosort -F _assay assay
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + BASH
FISH = "complete -c assay -f -a '(assay __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n"
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def main(argv: Sequence[str]) -> int:
    """Print the script of one shell."""
    p = parser("completion", SUMMARY)
    p.add_argument("shell", choices=sorted(SHELLS))
    print(SHELLS[p.parse_args(list(argv)).shell], end="")
    return 0


def answer(words: Sequence[str]) -> int:
    """Print the candidates for the last of ``words``; a shell that asks gets no error, only nothing."""
    try:
        found = candidates(list(words) or [""])
    except AssayError:
        return 0
    for word in found:
        print(word)
    return 0


def candidates(words: Sequence[str]) -> list[str]:
    """List what the last word may become."""
    from assay.harness.door.main import VERBS

    *before, last = words
    if not before:
        return [verb for verb in (*VERBS, "--version", "--help") if verb.startswith(last)]
    verb = before[0]
    if last.startswith("-"):
        return [option for option in options(verb) if option.startswith(last)]
    if verb in READING or before[-1] in ("--resume", "--base"):
        return [name for name in run_names() if name.startswith(last)]
    if verb in MEASURING:
        from assay.harness.door.compose import complete

        return complete(" ".join([*(word for word in before[1:] if not word.startswith("-")), last]))
    return [shell for shell in SHELLS if verb == "completion" and shell.startswith(last)]


def options(verb: str) -> list[str]:
    """List the options of a verb, as its own help names them."""
    import contextlib
    import importlib
    import io

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        importlib.import_module(f"assay.harness.door.{verb}").main(["--help"])
    return sorted(set(re.findall(r"--[a-z][a-z-]+", text.getvalue())))


def run_names() -> list[str]:
    """List ids, tags and the relative names of the store."""
    from assay.results.store import Store, locate

    store = Store(locate(None, os.environ))
    return ["latest", *(tag.name for tag in store.tags()), *(info.id for info in store.runs())]
