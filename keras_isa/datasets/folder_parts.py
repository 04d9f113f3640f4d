"""Which folders are the training and the test part, and which folder contains the classes."""

from __future__ import annotations

import re
from pathlib import Path

from keras_isa.datasets.file_kinds import archive_stem
from keras_isa.datasets.folder_tree import DEPTH, Tree
from keras_isa.datasets.masks import are_masks, is_mask_folder
from keras_isa.datasets.part_names import PART_NAMES
from keras_isa.datasets.remarks import Remarks, printable, shown_path
from keras_isa.inputs.class_names import first_ten

# Words in the name of a part that say nothing about which part it is.
_FILLERS = {"data", "dataset", "files", "folder", "image", "images", "img", "imgs", "set", "split"}
# Names of folders that hold images, masks or labels of all classes, so that they are no classes.
_NOT_CLASSES = {
    "annotation", "annotations", "groundtruth", "gt", "image", "images", "imagesets", "img",
    "imgs", "jpegimages", "labels", "masks", "segmentation", "segmentationclass",
    "segmentationobject", "segmentations", "unlabeled", "unlabelled",
}  # fmt: skip
# These names also say so if all folders have one of them. Beside other names they may be classes.
_MAYBE_NOT_CLASSES = {"label", "mask"}
_FOLD = re.compile(r"(batch|chunk|fold|part|shard|split)[\s._-]*\d+", re.IGNORECASE)
# Parts of one set of images, if the stem of all folders is the same: images_001, photos 2, data_b.
_POOL = re.compile(
    r"(?P<stem>(?:.*[\s._-])?(?:batch|chunk|fold|images?|imgs?|part|photos?|pictures?|shard|split)"
    r"|data(?:set)?)(?:[\s._-]*\(?\d+\)?|[\s._-]+[a-z])?",
    re.IGNORECASE,
)
# Folders of cameras (100CANON, 101_PANA, 202401__) and of Google Takeout.
_ALBUM = re.compile(r"[1-9]\d\d(?=.*[A-Z_])[A-Z\d_]{5}|Photos from \d{4}")
# Words in the name of a file that says which images are in which part.
_DIVISIONS = {"partition", "partitions", "split", "splits", "trainval"}.union(*PART_NAMES.values())
_TABLES = (".csv", ".json", ".mat", ".tsv", ".txt", ".xlsx", ".xml", ".yaml", ".yml")

_FOLDER_PER_CLASS = "make a folder for each class, and move its images there"
_OR_RENAME = f"{_FOLDER_PER_CLASS}; or rename a folder that is a class"
_ONLY_FOLDER = "the only folder with images, read in place of its parent"
_ONLY_PART = "the only part, of which a share becomes the test part"
_ARCHIVE = "archive beside the folders, not unpacked"
_DIVISION = "file whose name means a split, not read, so that its split is not used"
_UNUSED = "image beside the training and the test part, not used"


def layout_error(root: Path, seen: str, needed: str = "") -> ValueError:
    """Returns the error about a folder without one folder per class.

    Args:
        root: The folder that the caller has named.
        seen: What was found in it.
        needed: What the user can do; by default to make a folder for each class.
    """
    needed = needed or _FOLDER_PER_CLASS
    return ValueError(
        "`source` must be a folder with images as train/CLASS/FILE and test/CLASS/FILE (or val, "
        f"validation), or as CLASS/FILE; {needed}. Received: {shown_path(root)} with {seen}"
    )


def find_parts(tree: Tree, remarks: Remarks, divide: bool = False) -> tuple[Tree, Tree | None]:
    """Returns the folders that contain the class folders of the training and of the test part.

    Parts have names such as train, Training, test_set or valid, in upper or lower case, and may
    share another word (seg_train and seg_test). The test part is test, or val if there is no test.
    If a folder contains only one folder, and that one contains folders, the inner one is taken.

    Args:
        tree: The folder that the caller has named.
        remarks: Collects what is not used.
        divide: Whether the caller divides the only part into a training and a test part.

    Returns:
        The folder for the training part, and that for the test part or `None`.

    Raises:
        ValueError: If images are directly in the parts, without class folders, or if a part is
            missing, exists twice or is still an archive.
    """
    root, whole, tree = tree.path, tree, _descend(tree, remarks, above=True)
    for one in whole.walk() if not divide else ():
        if one.path in (tree.path, *tree.path.parents):
            _check_unpacked(root, one)
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
        if not (whole["test"] or whole["validation"]) and _is_class_train(flat, tree):
            remarks.add("class folder with the name of a part, read as a class", flat[0].path)
            return tree, None
        named = [one for _, one in parts]
        raise layout_error(root, *_flat(root, flat or named, _others(tree, named)))
    test = whole["test"] or whole["validation"]
    for found in (whole["train"], test):
        if len(found) > 1:
            raise layout_error(
                root,
                f"{_listed(found)}, which all mean the same part",
                "keep one folder for training and one for testing",
            )
    if not test:
        raise ValueError(
            "`source` must have a folder test, val or validation beside train, with images as "
            "CLASS/FILE; or pass a `split` (--split 0.2), the share of train that becomes the test "
            f"part. Received: {shown_path(root)} with {_listed(tree.with_images)}"
            + (f", without class folders in {_listed(flat)}" if flat else "")
        )
    _leave_out(tree, [*whole["train"], *test], remarks)
    return _descend(whole["train"][0], remarks), _descend(test[0], remarks)


def _check_unpacked(root: Path, tree: Tree) -> None:
    """Raises a ValueError if a part that is missing beside another one is still an archive."""
    parts = {found for one in tree.with_images if (found := _part_of(one.name))}
    for path in tree.others:
        kind, rest = _part_of(archive_stem(path.name) or "") or ("", ())
        beside = [other for other, words in parts if words == rest]
        covered = {*beside, "validation"} if "test" in beside else beside
        if kind and beside and kind not in covered:
            name = shown_path(path, root)
            raise layout_error(
                root,
                f"{_listed(tree.with_images)} beside {name}",
                f"unpack {name}, or move it elsewhere",
            )


def check_class_folders(whole: Tree, tree: Tree) -> None:
    """Raises a ValueError if the folders in `tree` are no classes, or there are no folders.

    Args:
        whole: The folder that the caller has named.
        tree: The folder that should contain the class folders.
    """
    root = whole.path
    if not tree.with_images:
        if tree.images:
            raise layout_error(root, *_flat(root, [tree], []))
        others = _other_kinds(tree)
        advice = "; convert files of other formats to PNG or JPEG images" if others else ""
        if any(one.too_deep for one in tree.walk()):
            others += f", searched {DEPTH} folders deep"
        raise ValueError(
            "`source` must be a folder with images as train/CLASS/FILE and test/CLASS/FILE (or "
            "val, validation), or as CLASS/FILE, or a folder with x_train.npy and so on, or an "
            f".npz file{advice}. Received: {shown_path(root)} without images{others}"
        )
    _check_not_roles(root, tree)
    _check_once(root, tree)
    names = [one.name for one in tree.with_images]
    if all(map(_FOLD.fullmatch, names)):
        meaning = "folds"
    elif _are_pools(names) or all(map(_ALBUM.fullmatch, names)):
        meaning = "parts of one set of images"
    else:
        return
    seen = f"folders {_joined(names)}, which look like {meaning} and not like classes"
    table = _tables(tree) or _tables(whole)
    raise layout_error(root, seen + ("," + table) * bool(table), _OR_RENAME)


def _are_pools(names: list[str]) -> bool:
    """Returns whether several folders have the same word for images, with a number or a letter."""
    found = [_POOL.fullmatch(name) for name in names]
    return len(names) > 1 and all(found) and len({one["stem"].lower() for one in found}) == 1


def _check_once(root: Path, tree: Tree) -> None:
    """Raises a ValueError if the classes are there again in a folder beside them."""
    for one in tree.with_images:
        beside = {other.name.lower(): other.name for other in _others(tree, [one])}
        for place in one.walk():
            inner = [folder.name.lower() for folder in place.with_images]
            twice = [beside[name] for name in inner if name in beside]
            if len(twice) > 1 or (twice and len(twice) == len(inner)):
                first = "at the top" if tree.path == root else f"in {_inside(tree, root)}"
                again = _inside(place, root)
                raise layout_error(
                    root,
                    f"{_joined(twice)} both {first} and in {again}",
                    f"pass {again} alone, or move it elsewhere",
                )


def _check_not_roles(root: Path, tree: Tree) -> None:
    """Raises a ValueError if a folder holds images, masks or labels of all classes."""
    seen = f"folders {_listed(tree.with_images)}{_tables(tree)}"
    names = [re.sub(r"[\W_]", "", one.name.lower()) for one in tree.with_images]
    if not _NOT_CLASSES.isdisjoint(names) or _MAYBE_NOT_CLASSES.issuperset(names):
        raise layout_error(root, seen, _OR_RENAME)
    masks = [one for one in tree.with_images if is_mask_folder(one.name)]
    others = _others(tree, masks)
    pictures = [path for one in others for path in one.all_images]
    for one in masks:
        as_classes = {inner.name for inner in one.with_images} & {other.name for other in others}
        if as_classes or are_masks(one.all_images, pictures):
            raise layout_error(
                root,
                f"{seen}; {_joined([one.name])} seems to hold masks, because its files are named "
                "as those of the other folders",
                "remove masks, or rename the images of a folder that is a class",
            )


def note_unused(tree: Tree, remarks: Remarks) -> None:
    """Adds a remark about everything in a folder except the folders with images.

    Args:
        tree: A folder whose folders are parts or classes.
        remarks: Collects the remarks.
    """
    for path in tree.images:
        remarks.add("image outside of the class folders, not read", path)
    for path in tree.others:
        if archive_stem(path.name) is not None:
            remarks.add(_ARCHIVE, path)
    for path in tree.system:
        remarks.add("file or folder of the system or a tool, not read", path)
    for folder in tree.folders:
        if not folder.count:
            remarks.add(f"folder without images{_other_kinds(folder)}, not read", folder.path)


def note_divisions(whole: Tree, classes: Tree, remarks: Remarks) -> None:
    """Adds a remark about each file that may divide the images of a folder into parts.

    Args:
        whole: The folder that the caller has named.
        classes: The folder in it that contains the class folders.
        remarks: Collects the remarks.
    """
    inside = {one.path for one in classes.with_images}
    for path in whole.other_files:
        is_table = path.suffix.lower() in _TABLES and inside.isdisjoint(path.parents)
        if is_table and not _DIVISIONS.isdisjoint(_words(path.stem)):
            remarks.add(_DIVISION, path)


def _other_kinds(tree: Tree) -> str:
    """Returns words about the suffixes of the files that are no images."""
    kinds = sorted({path.suffix.lower() or "without a suffix" for path in tree.other_files})
    return f" but with files of other formats ({_joined(kinds)})" if kinds else ""


def _descend(tree: Tree, remarks: Remarks, above: bool = False) -> Tree:
    """Returns the folder, or the inner one if it only contains one folder that contains folders.

    Args:
        tree: The folder.
        remarks: Collects a remark about each step.
        above: Whether the folder may still contain the parts.
    """
    while not tree.images and len(tree.with_images) == 1 and tree.with_images[0].with_images:
        note_unused(tree, remarks)
        tree = tree.with_images[0]
        remarks.add(_ONLY_PART if _part_of(tree.name) and above else _ONLY_FOLDER, tree.path)
    return tree


def _is_flat(part: Tree) -> bool:
    """Returns whether a part has no class folders; a folder named like a part is no class."""
    inner = part.with_images
    alone = len(inner) == 1 and not inner[0].with_images and not part.images
    return not inner or (alone and _part_of(inner[0].name) is not None)


def _others(tree: Tree, folders: list[Tree]) -> list[Tree]:
    return [one for one in tree.with_images if one not in folders]


def _leave_out(tree: Tree, used: list[Tree], remarks: Remarks) -> None:
    note_unused(tree, remarks)
    for folder in _others(tree, used):
        remarks.add(_UNUSED, folder.path, folder.count)


def _parts(tree: Tree) -> list[tuple[str, Tree]]:
    """Returns the folders that are parts, each with "train", "test" or "validation"."""
    named = [(one, found) for one in tree.with_images if (found := _part_of(one.name))]
    kinds: dict[tuple[str, ...], set[str]] = {}
    for _, (kind, rest) in named:
        kinds.setdefault(rest, set()).add(kind)
    return [(kind, one) for one, (kind, rest) in named if not rest or {"train"} < kinds[rest]]


def _part_of(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Returns which part a folder's name means, and the other words in the name."""
    words = _words(name)
    kinds = [kind for word in words for kind, own in PART_NAMES.items() if word in own]
    known = _FILLERS.union(*PART_NAMES.values())
    if len(kinds) != 1:
        return None
    return kinds[0], tuple(word for word in words if word not in known)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def _is_class_train(flat: list[Tree], tree: Tree) -> bool:
    """Returns whether the folder train is a class, for instance of vehicles, and no part."""
    is_train = len(flat) == 1 and flat[0].name.lower() in ("train", "trains")
    return is_train and len(tree.with_images) > 1


def _flat(root: Path, folders: list[Tree], others: list[Tree]) -> tuple[str, str]:
    """Returns words about images without class folders, and about what the user can do."""
    if not any(map(_is_flat, folders)):
        return f"no train/CLASS/FILE beside {_listed(folders)}", "name the training part train"
    place = [_inside(one, root) for one in folders]
    seen = "images without class folders" + (f" in {_joined(place)}" if place != ["."] else "")
    needed = "make a folder for each class" + (" in each part" if len(place) > 1 else "")
    if others:
        seen += f" beside {_listed(others)}"
        needed += " (and rename a class that has the name of a part)"
    files = [inner.images for one in folders for inner in one.walk()]
    names = next((found for one in files if (found := _class_names_in(one))), [])
    if names:
        seen += f", whose file names seem to begin with the class ({_joined(names)})"
    seen += next((found for one in folders if (found := _tables(one))), "")
    return seen, f"{needed}, and move its images there"


def _class_names_in(files: list[Path]) -> list[str]:
    """Returns the beginnings of file names, such as cat in cat.12.jpg, if they may be classes."""
    starts = [re.sub(r"[\s._()-]*\d+[\s._()-]*$", "", path.stem) for path in files]
    names = sorted(set(starts) - {""})
    return names if 1 < len(names) <= len(files) / 2 else []


def _tables(tree: Tree) -> str:
    """Returns words about a file in or below a folder that may hold the labels."""
    found = [path for path in tree.other_files if path.suffix.lower() in _TABLES]
    return f" beside {shown_path(found[0], tree.path)}" if found else ""


def _inside(tree: Tree, root: Path) -> str:
    return shown_path(tree.path, root) if tree.path != root else "."


def _listed(folders: list[Tree]) -> str:
    return _joined([one.name for one in folders])


def _joined(words: list[str]) -> str:
    return printable(first_ten(words))
