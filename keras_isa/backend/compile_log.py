"""How long each program took to compile."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import jax

_COMPILED = "/jax/core/compile/backend_compile_duration"
_TRACED = "/jax/core/compile/jaxpr_trace_duration"
_LOWERED = "/jax/core/compile/jaxpr_to_mlir_module_duration"
_FOUND = "/jax/compilation_cache/cache_hits"
# Programs that the table names; the others are summed up.
_NAMED = 8


class CompileLog:
    """Listens to what JAX compiles, from now on, and sums up the seconds by the program's name.

    Example:

    >>> import jax
    >>> from keras_isa.backend.compile_log import CompileLog
    >>> log = CompileLog()
    >>> _ = jax.jit(lambda x: x + 1)(1.0)
    >>> log.seconds["<lambda>"] > 0
    True
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.programs: dict[str, int] = defaultdict(int)
        self.traced = 0.0
        self.found = 0
        jax.monitoring.register_event_duration_secs_listener(self._on_duration)
        jax.monitoring.register_event_listener(self._on_event)

    def _on_duration(self, event: str, seconds: float, **about: Any) -> None:
        if event in (_TRACED, _LOWERED):
            self.traced += seconds
        elif event == _COMPILED:
            name = str(about.get("fun_name", "unnamed"))
            name = name.removeprefix("jit(").removesuffix(")")
            self.seconds[name] += seconds
            self.programs[name] += 1

    def _on_event(self, event: str, **about: Any) -> None:
        self.found += event == _FOUND

    def __str__(self) -> str:
        names = sorted(self.seconds, key=self.seconds.get, reverse=True)
        rows = [(self.seconds[name], self.programs[name], name) for name in names[:_NAMED]]
        if rest := names[_NAMED:]:
            sums = [sum(of[name] for name in rest) for of in (self.seconds, self.programs)]
            rows.append((*sums, "others"))
        kept = f", {self.found} of them taken from the cache" if self.found else ""
        lines = [
            f"compiled: {sum(self.programs.values())} programs in {sum(self.seconds.values()):.1f} "
            f"s{kept}; they were written in {self.traced:.1f} s"
        ]
        lines += [f"{seconds:9.2f} s  {count:3} x {name}" for seconds, count, name in rows]
        return "\n".join(lines)
