"""Puts a cache of compiled programs where JAX looks for them."""

from __future__ import annotations

from pathlib import Path

import jax
import jaxlib

from keras_isa.backend.file_cache import FileCache

_MOST_BYTES = 2**30


def use_cache(root: Path) -> FileCache | None:
    """Lets JAX look up each program in a cache before it compiles it, and keep it there after that.

    JAX itself offers a folder whose files it does not check, and to read it imports TensorFlow if
    that is installed. So the cache is put where JAX holds its own, which is no public place.

    Args:
        root: Folder of all caches.

    Returns:
        The cache in use; `None` if the user has chosen a folder of JAX's or has switched caches
        off, or if this version of JAX has another place for it.
    """
    if jax.config.jax_compilation_cache_dir or not jax.config.jax_enable_compilation_cache:
        return None
    try:
        from jax._src import compilation_cache

        compilation_cache.reset_cache()
        for name in ("_cache", "_cache_initialized"):
            getattr(compilation_cache, name)
    except (ImportError, AttributeError):
        return None
    versions = [f"jax {jax.__version__}", f"jaxlib {jaxlib.__version__}"]
    cache = FileCache(root, versions, suffix=".program", most_bytes=_MOST_BYTES)
    compilation_cache._cache = cache
    compilation_cache._cache_initialized = True
    # Most programs of a command compile within JAX's least time, and take half of its seconds.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    return cache
