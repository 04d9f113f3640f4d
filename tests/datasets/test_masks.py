from pathlib import Path

import pytest

from keras_isa.datasets.masks import are_masks, is_mask_folder, masks_among


def paths(*names):
    return [Path(f"{name}.png") for name in names]


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("0", "0_mask"),
        ("0_image", "0_mask"),
        ("0-img", "0-gt"),
        ("image_0", "mask_0"),
        ("image_0", "0_mask"),
        ("0", "mask0"),
        ("benign (1)", "benign (1)_mask_1"),
        ("a.orig", "a.segmentation"),
        ("IMG_7", "IMG_7_GroundTruth"),
        ("0_rgb", "0_label"),
        ("with_mask_1", "with_mask_1_mask"),
    ],
)
def test_a_mask_has_the_name_of_its_image(picture, mask):
    assert masks_among(paths(picture, mask)) == paths(mask)
    assert masks_among(paths(mask)) == masks_among(paths(mask, "9")) == []


def test_images_that_are_no_masks():
    assert masks_among(paths("mask_1", "mask_2", "with_mask_1", "without_mask_1", "segway")) == []
    assert masks_among(paths("image_0", "0", "0_image", "images", "mask", "image")) == []


@pytest.mark.parametrize(
    ("names", "companions"),
    [
        ("a a_depth b", "a_depth"),
        ("a a_superpixels b", "a_superpixels"),
        ("a a_left b b_left", "a_left b_left"),
        ("1 1-normal.map 2 2-normal.map", "1-normal.map 2-normal.map"),
        ("a a_left a_right b b_left b_right a_mask", "a_left a_right b_left b_right a_mask"),
        ("image_1 image_1_ir image_2 image_2_ir", "image_1_ir image_2_ir"),
        ("1_rgb 1_ir 2_rgb 2_ir", "1_ir 2_ir"),
        ("a a-150x150 a@2x b b-150x150 b@2x", "a-150x150 a@2x b-150x150 b@2x"),
        ("a a_left b", ""),
        ("a a_left", ""),
        ("a_left a_right b_left b_right", ""),
        ("a a_1 b b_1", ""),
        ("a a_image b b_image", ""),
    ],
)
def test_companions_that_every_image_has(names, companions):
    assert set(masks_among(paths(*names.split()))) == set(paths(*companions.split()))


def test_names_of_folders():
    assert all(map(is_mask_folder, ("mask", "Masks", "cat_mask", "GroundTruth", "gt", "nomask")))
    assert not any(map(is_mask_folder, ("cat", "masked", "segway", "burgt", "labelle", "images")))


def test_a_folder_of_masks_has_one_image_for_each():
    assert are_masks(paths("0_mask", "1_mask", "7"), paths("0_image", "1", "2"))
    assert not are_masks(paths("a0", "a1"), paths("b0", "b1"))
    assert not are_masks(paths("0", "1"), [*paths("0", "1"), Path("dog/0.png"), Path("dog/1.png")])
    assert not are_masks([], paths("0"))
