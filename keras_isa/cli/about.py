"""The report of a command before it works: the data, the settings, and their sources."""

from __future__ import annotations

from typing import Any

from keras_isa.cli.support import is_verbose


def described(run: Any, train: Any, settings: Any) -> str:
    """Describes the data and the settings of a `Run`, one line each.

    With `--verbose` there are also the versions of the libraries that compute, and the source of
    each setting: an option, a preset, or the shape and size of the data.
    """
    if not is_verbose():
        return f"{train}\n{settings}"
    from keras_isa import backend
    from keras_isa.presets.choose import source_of
    from keras_isa.versions import versions

    accelerated = backend.has_accelerator()
    source = source_of(train, accelerated, run.preset, run.method.Config)
    options = {name: "--" + name.replace("_", "-") for name in run.changes}
    options["images_per_class"] = "--ipc"
    computes = [f"{name} {version}" for name, version in versions().items()]
    computes.append("on an accelerator" if accelerated else "on a CPU")
    lines = [", ".join(computes), str(train)]
    for line in str(settings).splitlines():
        lines.append(f"{line}  ({options.get(line.split()[0], source)})")
    return "\n".join(lines)
