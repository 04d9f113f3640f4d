"""Distilled sets on the Hugging Face Hub: their addresses, and how files come and go.

Everything goes through the package `huggingface_hub`: its cache, its environment variables (such as
HF_ENDPOINT and HF_HUB_OFFLINE) and the credentials that it finds. This module neither reads nor
shows a token.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from keras_isa.files import checked_path
from keras_isa.inputs.text import one_line
from keras_isa.memory import check_memory

_NAME = r"[A-Za-z0-9_][\w.-]*"
_ADDRESS = re.compile(
    rf"hf://(?:(?P<kind>datasets|models)/)?(?P<repo>{_NAME}/{_NAME})"
    r"(?:@(?P<revision>refs/(?:pr|convert)/[\w.-]+|[^@/]+))?/(?P<file>.+)",
    re.ASCII,
)
_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


@dataclasses.dataclass(frozen=True)
class Address:
    """A file on the Hub.

    Args:
        repo: Its repository, `USER/REPO`.
        file: Its path inside of the repository.
        revision: A branch, a tag or a commit; `None` for the main branch.
        repo_type: `"dataset"` or `"model"`.
    """

    repo: str
    file: str
    revision: str | None = None
    repo_type: str = "dataset"


def is_address(path: Any) -> bool:
    """Whether a path is meant as an address on the Hub, well formed or not.

    Example:

    >>> from keras_isa.asset.hub import is_address
    >>> is_address("hf://user/repo/set.keras"), is_address("set.keras")
    (True, False)
    """
    return isinstance(path, str | os.PathLike) and re.match(r"(?i)hf:[/\\]", str(path)) is not None


def parse_address(address: str) -> Address:
    """Reads the address of a distilled set.

    It is `hf://USER/REPO/PATH.keras`, with `@REVISION` behind REPO for another branch, a tag or a
    commit; a slash in the name of a branch is written `%2F`. The repository is one of data sets,
    which `hf://datasets/USER/REPO/...` says too, and one of models with `hf://models/USER/REPO/...`.

    Args:
        address: The text.

    Raises:
        ValueError: If it is not such an address.

    Example:

    >>> from keras_isa.asset.hub import parse_address
    >>> parse_address("hf://user/repo@v1/sets/digits.keras")
    Address(repo='user/repo', file='sets/digits.keras', revision='v1', repo_type='dataset')
    """
    problem = None
    found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if not isinstance(address, str):
        problem = "must be a string where it is an address: a path loses one of its slashes"
    elif found is None or any(part in ("", ".", "..") for part in found["file"].split("/")):
        problem = (
            "must be hf://USER/REPO/FILE.keras, or hf://USER/REPO@REVISION/FILE.keras, where it is "
            "an address on the Hugging Face Hub"
        )
    elif not address.isprintable() or "\\" in address:
        problem = "must be an address without backslashes and characters that cannot be printed"
    elif not found["file"].endswith(".keras"):
        problem = "must end in .keras"
    if problem is not None:
        raise ValueError(f"`path` {problem}. Received: path={one_line(address)}")
    revision = found["revision"]
    return Address(
        found["repo"],
        found["file"],
        revision if revision is None else unquote(revision),
        "model" if found["kind"] == "models" else "dataset",
    )


def fetch(address: str) -> Path:
    """Returns the file at an address on the Hub, from the cache of `huggingface_hub` or the Hub.

    Before anything is fetched, the size that the Hub says is compared with the free memory and the
    free space of the disk. A file that turns out larger than that is left where it is.

    Args:
        address: See `parse_address`.

    Returns:
        The file in the cache, which nobody has checked yet: it is for `keras_isa.load`.

    Raises:
        ImportError: If `huggingface_hub` is not installed.
        ValueError: If the address is malformed, there is no such file, it may not be read, is too
            large, or the Hub cannot be reached.
    """
    place = parse_address(address)
    hub = _hub()
    about = dataclasses.asdict(place)
    about = {"repo_id": about.pop("repo"), "filename": about.pop("file"), **about}

    def work() -> str:
        planned = hub.hf_hub_download(**about, dry_run=True)
        limit = planned.file_size
        if limit is None:
            raise ValueError("the Hub does not say how large the file is")
        if planned.will_download:
            check_memory(3 * limit, "reading it", "free some")
            _check_disk(limit, Path(planned.local_path))
        return hub.hf_hub_download(**about, tqdm_class=_counter(limit))

    return Path(_asked(work, place, "`path` cannot be fetched", f"path={address}"))


def local_file(path: str | os.PathLike) -> Path:
    """Returns the file that `keras_isa.load` reads: the one at `path`, or the one that is fetched.

    Args:
        path: A file, or an address as for `parse_address`.

    Raises:
        ImportError, TypeError, ValueError: As `fetch`, or `path` is neither a string nor a path.
    """
    return fetch(path) if is_address(path) else checked_path(path)


def check_repo(repo: str) -> str:
    """Returns the name of a repository, `USER/REPO`.

    Args:
        repo: The name.

    Raises:
        TypeError: If it is no string.
        ValueError: If it is no such name.

    Example:

    >>> from keras_isa.asset.hub import check_repo
    >>> check_repo("user/digits-distilled")
    'user/digits-distilled'
    """
    if not isinstance(repo, str):
        raise TypeError(f"`repo` must be a string. Received: {type(repo).__name__}")
    parts = repo.split("/")
    plain = re.fullmatch(rf"{_NAME}/{_NAME}", repo, re.ASCII) and len(repo) <= 96
    # These are rules of the Hub.
    forbidden = any(part[-1:] in "-." or "--" in part or ".." in part for part in parts)
    if not plain or forbidden or repo.endswith(".git") or parts[0] in ("datasets", "models"):
        raise ValueError(
            "`repo` must be USER/REPO, the name of a repository of data sets on the Hugging Face "
            f"Hub: letters, digits, '-', '_' and '.'. Received: repo={one_line(repo)}"
        )
    return repo


def upload(folder: str | os.PathLike, repo: str, files: Sequence[str]) -> str:
    """Uploads files into a repository of data sets on the Hub, which is made if there is none.

    Files of the same names that are in the repository are replaced, others stay.

    Args:
        folder: Where the files are.
        repo: The repository, `USER/REPO`.
        files: Their names.

    Returns:
        The address of the repository's page.

    Raises:
        ImportError: If `huggingface_hub` is not installed.
        ValueError: If the Hub cannot be reached or refuses.
    """
    place = Address(check_repo(repo), "")
    api = _hub().HfApi()

    def work() -> str:
        url = api.create_repo(repo, repo_type="dataset", exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            repo_type="dataset",
            folder_path=folder,
            allow_patterns=list(files),
            commit_message="Distilled set by keras_isa",
        )
        return one_line(url)

    return _asked(work, place, "`repo` cannot be written to", f"repo={repo}")


def check_installed() -> None:
    """Raises an ImportError if `huggingface_hub` is not installed."""
    _hub()


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise ImportError(
            "the Hugging Face Hub needs the package huggingface_hub: pip install keras_isa[hub]"
        ) from None
    return huggingface_hub


def _check_disk(needed: int, path: Path) -> None:
    """Raises a ValueError if a file of so many bytes does not fit where it is to be written."""
    folder = next(folder for folder in path.parents if folder.exists())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ValueError(f"it has {needed:,} bytes, and the disk of the cache has {free:,} left")


def _counter(limit: int) -> type:
    """A silent progress bar that ends a download when more comes than was said."""
    from huggingface_hub.utils import tqdm

    class Counter(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # Storage that sends a file in pieces may send more than its size.
            self._bounded = kwargs.get("name", "").endswith("http_get")
            self._received = 0
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self._received += n or 0
            if self._bounded and self._received > limit:
                raise ValueError(f"the Hub sends more than the {limit:,} bytes that it said")
            return super().update(n)

    return Counter


def _asked(work: Callable[[], str], place: Address, problem: str, received: str) -> str:
    """The result of `work`; whatever the Hub or the network does is one line, without any secret.

    Args:
        work: What asks the Hub.
        place: What it asks for.
        problem: The beginning of the line.
        received: Its end.
    """
    try:
        return work()
    except Exception as error:  # of several packages, which change with the version
        reason = _reason(error, place)
    # Outside of the handler: a header that cannot be sent is in the error, token and all.
    raise ValueError(f"{problem}: {reason}. Received: {received}")


def _reason(error: Exception, place: Address) -> str:
    """What has gone wrong, and what to do about it."""
    from huggingface_hub import errors

    repository = f"no repository of {place.repo_type}s {place.repo}"
    other = "hf://models/ begins addresses of models"
    if isinstance(error, errors.LocalEntryNotFoundError):  # why the Hub was of no help
        cause = error.__cause__
        error = cause if isinstance(cause, errors.HfHubHTTPError) else error
        if isinstance(cause, errors.FileMetadataError):
            return (
                "what answers does not say of the file what a Hub says (commit, ETag, size): look "
                "at HF_ENDPOINT and at proxies"
            )
    if isinstance(error, errors.GatedRepoError):
        return f"{place.repo} is only for those whom its owner lets in: ask on its page, {_LOG_IN}"
    if isinstance(error, errors.RepositoryNotFoundError):
        hint = f"; {other}" if place.file and place.repo_type == "dataset" else ""
        return f"there is {repository}, or it is private: {_LOG_IN}{hint}"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{place.repo} has no branch, tag or commit {place.revision or 'main'}"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return (
            "the Hub cannot be reached, or HF_HUB_OFFLINE forbids it, and the file is not in the "
            "cache: look at the network and HF_ENDPOINT"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return f"{place.repo} has no file {place.file}"
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return f"the Hub refuses (status {status}): {_LOG_IN}, with the right to do this"
        said = f", {_without_secrets(error.server_message)}" if error.server_message else ""
        return f"the Hub answers with status {status}{said}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to reach the Hub"
    if isinstance(error, ValueError):  # ours, and those that the Hub has with a card
        return _without_secrets(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({type(error).__name__})"
    return f"{type(error).__name__}, look at the network and HF_ENDPOINT"


def _without_secrets(text: object) -> str:
    """One line of a text, without the token and without anything that looks like one."""
    text = one_line(" ".join(str(text).split()))
    with contextlib.suppress(Exception):
        from huggingface_hub import get_token

        text = text.replace(get_token() or "\n", "***")
    return re.sub(r"hf_\w{8,}|(?<=Bearer )\S+", "***", text)
