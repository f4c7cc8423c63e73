"""Shell completion: verbs, options, run names, and overrides by Hydra's own rules."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence

from assay.harness.door.console import out, parser
from assay.harness.suitepath import name_suite_paths

SUMMARY = 'print the completion script of a shell: eval "$(assay completion bash)"'
MEASURING = ("run", "plan")
RECENT = 50  # runs whose devices are offered
READING = ("show", "compare", "fleet", "tag", "rerun", "attach", "report", "export", "push")
FLAGS = ("--json", "--allow-inconclusive", "--multirun", "-m", "--share", "--exclusive", "--detach")  # options without a value
BASH = """\
COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
_assay() {
    local IFS=$'\\n'
    COMPREPLY=($(assay __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace
}
complete -o nosort -o default -F _assay assay
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + BASH
FISH = "complete -c assay -f -a '(assay __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n"
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def main(argv: Sequence[str]) -> int:
    """Print the script of one shell."""
    p = parser("completion", SUMMARY)
    p.add_argument("shell", choices=sorted(SHELLS))
    out(SHELLS[p.parse_args(list(argv)).shell].rstrip("\n"))
    return 0


def answer(words: Sequence[str]) -> int:
    """Print the candidates for the last of ``words``; a shell that asks gets no error, only nothing."""
    try:
        found = candidates([unquoted(word) for word in words] or [""])
    except Exception:  # noqa: BLE001 - whatever half a line makes of itself
        return 0
    for word in found:
        out(word)
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
    stored = stored_names(verb, before[-1])
    if stored is not None:
        return [name for name in stored if name.startswith(last)]
    if verb in MEASURING:
        from assay.harness.door.compose import complete

        if before[-1].startswith("-") and before[-1] not in FLAGS:
            return []  # the value of an option: a folder, a number, a time
        folders = [value for option, value in itertools.pairwise(before) if option == "--config-dir"]
        name_suite_paths([value for option, value in itertools.pairwise(before) if option == "--suite-path"])
        found = complete(" ".join([*overrides_of(before[1:]), last]), folders)
        return [word for word in found if not re.search(r"=\d+=$", word)]  # places in a list are no names
    return [shell for shell in SHELLS if verb == "completion" and shell.startswith(last)]


def stored_names(verb: str, before: str) -> list[str] | None:
    """List the names that may stand here: runs, devices, distributions, nothing where a file belongs; None where something else does."""
    if before == "--distribution":
        from assay.harness.door.formats import DISTRIBUTIONS

        return list(DISTRIBUTIONS)
    if verb in (*READING, "device") and before in ("--expect", "--store"):
        return []  # the shell completes files
    if verb == "device":
        return device_names()
    return run_names() if verb in READING or before in ("--resume", "--base", "--confirm", "--since") else None


def unquoted(word: str) -> str:
    """Take a shell's quotes off a word, finished or not: overrides are mostly typed in them."""
    return word.strip("'\"")


def overrides_of(words: Sequence[str]) -> list[str]:
    """Leave options and their values out of a measuring verb's words."""
    kept, skip = [], False
    for word in words:
        if not skip and not word.startswith("-"):
            kept.append(word)
        skip = word.startswith("-") and word not in FLAGS and "=" not in word
    return kept


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


def device_names() -> list[str]:
    """List the devices of the newest runs, as ``assay device`` takes them."""
    from assay.harness.rundir import RunDir
    from assay.results.places import seats_of
    from assay.results.store import Store, locate

    store = Store(locate(None, os.environ))
    return list(dict.fromkeys(place.identity for run in store.ids()[-RECENT:] for place in seats_of(RunDir(store.root / run))))
