"""Which folders are the training and the test part, and which one holds the classes."""

from __future__ import annotations

import re
from pathlib import Path

from keras_isa.datasets.folder_tree import DEPTH, Tree
from keras_isa.datasets.masks import are_masks, is_mask_folder
from keras_isa.datasets.part_names import PART_NAMES
from keras_isa.datasets.remarks import Remarks, printable, shown_path
from keras_isa.inputs.class_names import first_ten

_FILLERS = {"data", "dataset", "files", "folder", "image", "images", "img", "imgs", "set", "split"}
# Folders of these names hold images or labels of all classes.
_ROLES = {
    "annotation", "annotations", "groundtruth", "gt", "image", "images", "imagesets", "img",
    "imgs", "jpegimages", "labels", "masks", "segmentation", "segmentationclass",
    "segmentationobject", "segmentations", "unlabeled", "unlabelled",
}  # fmt: skip
# So do folders of these names, but among others they may be classes.
_MAYBE_ROLES = {"label", "mask"}
_FOLD = re.compile(r"(batch|chunk|fold|part|shard|split)[\s._-]*\d+", re.IGNORECASE)
_TABLES = (".csv", ".json", ".mat", ".tsv", ".txt", ".xlsx", ".xml", ".yaml", ".yml")

_A_FOLDER_EACH = "make a folder for each class, and move its images there"
_OR_RENAME = f"{_A_FOLDER_EACH}; or rename a folder that is a class"
_ALONE = "the only folder with images, read in place of the one above it"
_ONE_PART = "part without another one, of which a share is held out for the test"
_UNUSED = "image beside the training and the test part, not used"


def layout_error(root: Path, seen: str, needed: str = "") -> ValueError:
    """Returns the error about a folder whose classes are not told by folders.

    Args:
        root: The source.
        seen: What lies there.
        needed: What the user may do; by default to make a folder for each class.
    """
    needed = needed or _A_FOLDER_EACH
    return ValueError(
        "`source` must be a folder with images as train/CLASS/FILE and test/CLASS/FILE (or val, "
        f"validation), or as CLASS/FILE; {needed}. Received: {shown_path(root)} with {seen}"
    )


def find_parts(tree: Tree, remarks: Remarks, divide: bool = False) -> tuple[Tree, Tree | None]:
    """Returns the folders of the classes: of the training part, and of the test part if there is.

    Parts are known by their names in any case, such as train, Training, test_set or valid, also
    with something common to them (seg_train and seg_test). The test part is test or, where there is
    none, val. A folder with a single folder of folders in it stands for that one.

    Args:
        tree: The source.
        remarks: Take what is not used.
        divide: Whether a part that has no other beside it is going to be divided.

    Raises:
        ValueError: If images lie flat in the parts, or a part is missing or there twice.
    """
    root, tree = tree.path, _descend(tree, remarks, above=True)
    parts = _parts(tree)
    if not parts:
        return tree, None
    flat = [one for _, one in parts if _is_flat(one)]
    filled = [(kind, one) for kind, one in parts if one not in flat]
    whole = {kind: [one for of, one in filled if of == kind] for kind in PART_NAMES}
    only = [one for found in whole.values() for one in found]
    if divide and len(only) == 1:
        _leave_out(tree, only, remarks)
        return _descend(only[0], remarks), None
    if not whole["train"]:
        if not (whole["test"] or whole["validation"]) and _is_class(flat, tree):
            remarks.add("class folder with the name of a part, read as a class", flat[0].path)
            return tree, None
        named = [one for _, one in parts]
        raise layout_error(root, *_flat(root, flat or named, _others(tree, named)))
    test = whole["test"] or whole["validation"]
    for found in (whole["train"], test):
        if len(found) > 1:
            raise layout_error(
                root,
                f"{_listed(found)} as the same part",
                "keep one folder for training and one for the test",
            )
    if not test:
        raise ValueError(
            "`source` must have a folder test, val or validation beside train, with images as "
            "CLASS/FILE; or give a `split` (--split 0.2), the share of train that is held out. "
            f"Received: {shown_path(root)} with {_listed(tree.filled)}"
            + (f", flat in {_listed(flat)}" if flat else "")
        )
    _leave_out(tree, [*whole["train"], *test], remarks)
    return _descend(whole["train"][0], remarks), _descend(test[0], remarks)


def check_class_folders(root: Path, tree: Tree) -> None:
    """Raises a ValueError if the folders in `tree` are no classes, or there are none.

    Args:
        root: The source.
        tree: The folder in which the classes are.
    """
    if not tree.filled:
        if tree.images:
            raise layout_error(root, *_flat(root, [tree], []))
        others = _other_kinds(tree)
        advice = "; turn files of other kinds into PNG or JPEG images" if others else ""
        if any(one.too_deep for one in (tree, *tree.below())):
            others += f", looked into down to {DEPTH} folders deep"
        raise ValueError(
            "`source` must be a folder with images as train/CLASS/FILE and test/CLASS/FILE (or "
            "val, validation), or as CLASS/FILE, or with x_train.npy and its like; or an .npz "
            f"file{advice}. Received: {shown_path(root)} without images{others}"
        )
    _check_roles(root, tree)
    if all(_FOLD.fullmatch(one.name) for one in tree.filled):
        seen = f"folders {_listed(tree.filled)}, which divide the images anew"
        raise layout_error(root, seen, _OR_RENAME)


def _check_roles(root: Path, tree: Tree) -> None:
    """Refuses folders that hold images, masks or labels of all classes."""
    seen = f"folders {_listed(tree.filled)}{_tables(tree)}"
    names = [re.sub(r"[\W_]", "", one.name.lower()) for one in tree.filled]
    if not _ROLES.isdisjoint(names) or _MAYBE_ROLES.issuperset(names):
        raise layout_error(root, seen, _OR_RENAME)
    masks = [one for one in tree.filled if is_mask_folder(one.name)]
    others = _others(tree, masks)
    pictures = [path for one in others for path in one.all_images]
    for one in masks:
        as_classes = {inner.name for inner in one.filled} & {other.name for other in others}
        if as_classes or are_masks(one.all_images, pictures):
            raise layout_error(
                root,
                f"{seen}, of which {_joined([one.name])} has the names of others, as masks do",
                "leave masks out; or rename the images of a folder that is a class",
            )


def tell_rest(tree: Tree, remarks: Remarks) -> None:
    """Notes what lies beside the folders that are looked into.

    Args:
        tree: A folder whose folders are parts or classes.
        remarks: Take it.
    """
    for path in tree.images:
        remarks.add("image outside of the class folders, not read", path)
    for path in tree.system:
        remarks.add("file or folder of a system or a tool, passed over", path)
    for folder in tree.folders:
        if not folder.count:
            remarks.add(f"folder without images{_other_kinds(folder)}, passed over", folder.path)


def _other_kinds(tree: Tree) -> str:
    """The suffixes that are there instead of images."""
    kinds = sorted({path.suffix.lower() or "without a suffix" for path in tree.other_files})
    return f" but with files of other kinds ({_joined(kinds)})" if kinds else ""


def _descend(tree: Tree, remarks: Remarks, above: bool = False) -> Tree:
    """The folder itself, or the one that it stands for.

    Args:
        tree: The folder.
        remarks: Take what is said of it.
        above: Whether the parts are still to be found.
    """
    while not tree.images and len(tree.filled) == 1 and tree.filled[0].filled:
        tell_rest(tree, remarks)
        tree = tree.filled[0]
        remarks.add(_ONE_PART if _part_of(tree.name) and above else _ALONE, tree.path)
    return tree


def _is_flat(part: Tree) -> bool:
    """Whether a part has no folders of classes, maybe but for one of its own name."""
    inner = part.filled
    alone = len(inner) == 1 and not inner[0].filled and not part.images
    return not inner or (alone and _part_of(inner[0].name) is not None)


def _others(tree: Tree, folders: list[Tree]) -> list[Tree]:
    return [one for one in tree.filled if one not in folders]


def _leave_out(tree: Tree, used: list[Tree], remarks: Remarks) -> None:
    tell_rest(tree, remarks)
    for folder in _others(tree, used):
        remarks.add(_UNUSED, folder.path, folder.count)


def _parts(tree: Tree) -> list[tuple[str, Tree]]:
    """The folders that are parts, with the kind of each."""
    named = [(one, found) for one in tree.filled if (found := _part_of(one.name))]
    kinds: dict[tuple[str, ...], set[str]] = {}
    for _, (kind, rest) in named:
        kinds.setdefault(rest, set()).add(kind)
    return [(kind, one) for one, (kind, rest) in named if not rest or {"train"} < kinds[rest]]


def _part_of(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The kind of part that a folder's name says, and the words that say something else."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    kinds = [kind for word in words for kind, own in PART_NAMES.items() if word in own]
    known = _FILLERS.union(*PART_NAMES.values())
    if len(kinds) != 1:
        return None
    return kinds[0], tuple(word for word in words if word not in known)


def _is_class(flat: list[Tree], tree: Tree) -> bool:
    """Whether the one folder train is a class, of vehicles for instance."""
    return len(flat) == 1 and flat[0].name.lower() in ("train", "trains") and len(tree.filled) > 1


def _flat(root: Path, folders: list[Tree], others: list[Tree]) -> tuple[str, str]:
    """What is said of images that lie flat, and what is needed."""
    if not any(map(_is_flat, folders)):
        return f"no train/CLASS/FILE beside {_listed(folders)}", "name the training part train"
    place = [_inside(one, root) for one in folders]
    seen = "images that lie flat" + (f" in {_joined(place)}" if place != ["."] else "")
    needed = "make a folder for each class" + (" in each part" if len(place) > 1 else "")
    if others:
        seen += f" beside {_listed(others)}"
        needed += " (and rename a class that is called as a part)"
    files = [inner.images for one in folders for inner in (one, *one.below())]
    names = next((found for one in files if (found := _names_in(one))), [])
    if names:
        seen += f" with classes in their names, as it seems ({_joined(names)})"
    seen += next((found for one in folders if (found := _tables(one))), "")
    return seen, f"{needed}, and move its images there"


def _names_in(files: list[Path]) -> list[str]:
    """The beginnings of the names, such as cat in cat.12.jpg, where they may be classes."""
    starts = [re.sub(r"[\s._()-]*\d+[\s._()-]*$", "", path.stem) for path in files]
    names = sorted(set(starts) - {""})
    return names if 1 < len(names) <= len(files) / 2 else []


def _tables(tree: Tree) -> str:
    """The files in or below a folder that may hold the labels."""
    found = [path for path in tree.other_files if path.suffix.lower() in _TABLES]
    return f" beside {shown_path(found[0], tree.path)}" if found else ""


def _inside(tree: Tree, root: Path) -> str:
    return shown_path(tree.path, root) if tree.path != root else "."


def _listed(folders: list[Tree]) -> str:
    return _joined([one.name for one in folders])


def _joined(words: list[str]) -> str:
    return printable(first_ten(words))
