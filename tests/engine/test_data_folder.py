"""Image folders: every layout, and a sentence with the file for everything that can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import data
from engine.data import DataError, Pictures, Sides
from engine.experiment import DatasetSettings


def paint(path: Path, level: int = 100, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = {"RGB": (level, level // 2, 0), "RGBA": (level, level // 2, 0, 255)}.get(mode, level)
    Image.new(mode, size, colour).save(path)


def fill(folder: Path, classes: tuple[str, ...] = ("ant", "bee"), images: int = 5, **how) -> None:
    for number, name in enumerate(classes):
        for i in range(images):
            paint(folder / name / f"{i}.png", 40 * number + 10 * i + 1, **how)


def load(root: Path, **settings) -> Pictures:
    return data.load(DatasetSettings(name="folder", root=str(root), **settings), Sides(), "cpu")


def test_train_and_test_are_read_as_they_stand(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "test", images=2)
    p = load(tmp_path, holdout=0)
    assert (len(p.train), len(p.test), p.class_names, p.shape) == (10, 4, ("ant", "bee"), (3, 16, 16))
    assert p.train.labels.tolist() == [0] * 5 + [1] * 5
    assert p.train.images[6, :, 3, 3].tolist() == [51, 25, 0]
    assert p.notes == ("The test images are those of test/.",)


def test_val_is_the_test_where_there_is_no_other_and_the_held_out_part_beside_one(tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "val", images=3)
    p = load(tmp_path)
    assert (len(p.train), len(p.heldout), len(p.test)) == (8, 2, 6)
    fill(tmp_path / "test", images=2)
    p = load(tmp_path)
    assert (len(p.train), len(p.heldout), len(p.test)) == (10, 6, 4)
    assert load(tmp_path, holdout=0).heldout is None


def test_a_folder_of_classes_alone_is_split_by_the_seeded_share(tmp_path: Path) -> None:
    fill(tmp_path, images=10)
    p = load(tmp_path, split=0.3, holdout=0)
    assert (len(p.train), len(p.test)) == (14, 6)
    assert torch.equal(p.test.images, load(tmp_path, split=0.3).test.images)


def test_nested_folders_and_foreign_files_are_no_trouble(tmp_path: Path) -> None:
    fill(tmp_path)
    paint(tmp_path / "ant" / "images" / "deep.JPEG")
    (tmp_path / "ant" / "notes.txt").write_text("hello")
    (tmp_path / ".cache").mkdir()
    assert len(load(tmp_path, holdout=0).train) + len(load(tmp_path, holdout=0).test) == 11


def test_images_of_different_sizes_become_squares_of_one_side_and_a_note_says_so(tmp_path: Path) -> None:
    fill(tmp_path, size=(20, 30))
    paint(tmp_path / "ant" / "wide.png", size=(100, 24))
    p = load(tmp_path)
    assert p.shape == (3, 20, 20)
    assert "come in 2 sizes" in p.notes[0]
    assert load(tmp_path, size=12).shape == (3, 12, 12)


def test_an_oblong_image_is_cut_to_its_middle(tmp_path: Path) -> None:
    fill(tmp_path, size=(32, 16))
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, 8:24] = 200
    Image.fromarray(pixels).save(tmp_path / "ant" / "0.png")
    p = load(tmp_path, holdout=0)
    images = torch.cat([p.train.images, p.test.images])
    assert (images == 200).flatten(1).all(1).sum() == 1


def test_large_images_are_made_smaller_unless_the_size_says_otherwise(tmp_path: Path) -> None:
    fill(tmp_path, size=(200, 200))
    assert load(tmp_path).shape == (3, 64, 64)
    assert load(tmp_path, size=150).shape == (3, 150, 150)


def test_grey_folders_have_one_channel(tmp_path: Path) -> None:
    fill(tmp_path, mode="L")
    p = load(tmp_path)
    assert p.shape[0] == 1
    assert len(p.mean) == 1


def test_transparency_and_palettes_become_plain_colours(tmp_path: Path) -> None:
    fill(tmp_path, mode="RGBA")
    Image.new("P", (16, 16)).save(tmp_path / "ant" / "0.png", transparency=b"\x00\x10")
    assert load(tmp_path).shape == (3, 16, 16)


def no_folder(root: Path) -> str:
    root.rmdir()
    return "dataset.root: there is no folder"


def no_classes(root: Path) -> str:
    return "holds no class folders; put the images of each class into a folder of their own"


def loose_images(root: Path) -> str:
    paint(root / "a.png")
    return "holds images, but no folder for each class"


def one_class(root: Path) -> str:
    fill(root, classes=("ant",))
    return "holds one class only, 'ant'"


def empty_class(root: Path) -> str:
    fill(root / "train")
    fill(root / "test", classes=("ant",))
    return "/test/bee is a class without images; add images"


def class_of_text(root: Path) -> str:
    fill(root)
    (root / "cow").mkdir()
    (root / "cow" / "a.txt").touch()
    return "/cow is a class without images"


def class_too_many(root: Path) -> str:
    fill(root / "train")
    fill(root / "test", classes=("ant", "bee", "cow"))
    return "/test/cow is a class without training images"


def grey_among_colour(root: Path) -> str:
    fill(root)
    paint(root / "bee" / "3.png", mode="L")
    return "/bee/3.png is greyscale among images in colour (1 of 10 files); set dataset.colour to rgb or grey"


def colour_among_grey(root: Path) -> str:
    fill(root, mode="L")
    paint(root / "ant" / "2.png")
    return "/ant/2.png is in colour among images greyscale"


def text_as_image(root: Path) -> str:
    fill(root)
    (root / "ant" / "1.png").write_text("not an image")
    return "/ant/1.png is not an image that can be read; replace or remove it"


def cut_off(root: Path) -> str:
    fill(root, size=(64, 64))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(root / "ant" / "1.png")
    whole = (root / "ant" / "1.png").read_bytes()
    (root / "ant" / "1.png").write_bytes(whole[: len(whole) // 2])
    return "/ant/1.png is damaged or cut off"


def sixteen_bits(root: Path) -> str:
    fill(root, mode="L")
    paint(root / "ant" / "1.png", mode="I;16")
    return "/ant/1.png has more than 8 bits a pixel"


@pytest.mark.parametrize(
    "wrong",
    [
        no_folder, no_classes, loose_images, one_class, empty_class, class_of_text, class_too_many, grey_among_colour,
        colour_among_grey, text_as_image, cut_off, sixteen_bits,
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_said_with_its_file(wrong, tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    root.mkdir()
    sentence = wrong(root)
    with pytest.raises(DataError) as caught:
        load(root)
    assert sentence in str(caught.value)


def test_an_unset_folder_is_asked_for() -> None:
    with pytest.raises(DataError, match=r"dataset\.root: choose the folder of your images"):
        data.load(DatasetSettings(name="folder"), Sides(), "cpu")


def test_classes_of_one_image_cannot_be_divided(tmp_path: Path) -> None:
    fill(tmp_path, images=1)
    with pytest.raises(DataError, match="for the test part: every class has a single image left, such as 'ant' with 1"):
        load(tmp_path)
    fill(tmp_path / "other" / "train", images=1)
    fill(tmp_path / "other" / "test", images=1)
    with pytest.raises(DataError, match=r"for the held-out part.*dataset\.holdout to 0"):
        load(tmp_path / "other")
    with pytest.raises(DataError, match=r"for the subset part.*dataset\.subset to 1"):
        load(tmp_path / "other", subset=0.5)
    assert len(load(tmp_path / "other", holdout=0).train) == 2
