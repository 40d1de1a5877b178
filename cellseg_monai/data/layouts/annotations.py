"""Images with annotations of any tools: each annotation finds its image."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cellseg_monai.data.layouts.annotation_claims import Claim, find_claims
from cellseg_monai.data.layouts.annotation_files import bare_name, find_annotations, key_of, title_of
from cellseg_monai.data.layouts.samples import Failure, Sample
from cellseg_monai.data.pairing import stem

_OF_ANY_NAME = ("rois", "geojson", "napari")
"""Formats without the name of the image, whose files often have a name like RoiSet.zip."""


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Annotations of Fiji, QuPath, napari, Labelme, CVAT, Cellpose and 3D Slicer, also mixed.

    ::

        a.tif  a.zip  RoiSet_a.zip  a.roi      regions of ImageJ and Fiji
        b.tif  b.geojson                       QuPath
        c.png  c.json                          Labelme
        *.png  instances_default.json          COCO, polygons or run lengths
        *.png  annotations.xml                 CVAT for images 1.1
        d.tif  d.csv                           shapes of napari
        e.tif  e_seg.npy                       Cellpose
        f.tif  f.seg.nrrd                      3D Slicer
        g.tif  masks/g.png                     ids, or a colour for each object or class
        h.ome.zarr                             OME-Zarr with labels

    Annotations have the name of their image, or name it inside. They may lie in other sub-folders. If
    there is a single image in the folder, regions, QuPath's outlines and shapes of any name belong to it.
    Images without annotations are unlabelled.
    """
    found = find_annotations(source)
    yield from (Failure(path, reason) for path, reason in found.failures)
    claims: dict[Path, list[Claim]] = {image: [] for image in found.images}
    nameless: list[Claim] = []
    for claim in find_claims(found):
        if isinstance(claim, Failure):
            yield claim
            continue
        try:
            image = _image_of(claim, found.images)
        except ValueError as error:
            yield Failure(claim.file, str(error))
            continue
        (nameless if image is None else claims[image]).append(claim)
    for claim in nameless:
        image = _only_image(claim, claims)
        if image is None:
            reason = f"there is no image named {claim.names[0]}; put the image into the same folder"
            yield Failure(claim.file, reason)
        else:
            note = f"{claim.file.name} belongs to it, since there is no other image"
            claims[image].append(replace(claim, notes=(*claim.notes, note)))
    yield from _samples_of(source, claims)
    if found.ignored and found.images:
        names = ", ".join(path.name for path in found.ignored[:5]) + (", …" if len(found.ignored) > 5 else "")
        reason = f"no annotations in a known format in {names}; move other files elsewhere"
        yield Failure(found.ignored[0].parent, reason)


def _samples_of(source: Path, claims: dict[Path, list[Claim]]) -> Iterator[Sample | Failure]:
    """Images with their annotations; images of one name have their folder in the new name."""
    names = [stem(image).casefold() for image in claims]
    for image, of_image in claims.items():
        name = stem(image)
        if names.count(name.casefold()) > 1:
            name = "_".join((*image.parent.relative_to(source).parts, name))
        try:
            claim = _the_one(of_image)
        except ValueError as error:
            yield Failure(image, str(error))
            continue
        origin = title_of(claim.kind) if claim else None
        annotate, notes = (claim.annotate, claim.notes) if claim else (None, ())
        yield Sample(name, image, annotate, origin=origin, notes=notes)


def _image_of(claim: Claim, images: Sequence[Path]) -> Path | None:
    """Find the image of annotations by name, the nearest of several; None if there is none.

    Raises:
        ValueError: several images have the name.
    """
    if claim.file in images:  # OME-Zarr
        return claim.file
    for name in claim.names:
        wanted = name.replace("\\", "/")
        matches = [image for image in images if key_of(image.name) == key_of(name)]
        same = [image for image in matches if bare_name(image.name) == bare_name(name)]
        matches = same or matches
        exact = [image for image in matches if f"/{image.as_posix()}".endswith(f"/{wanted}")]
        near = [image for image in exact or matches if image.parent == claim.file.parent]
        for choice in (near, exact, matches):
            if len(choice) == 1:
                return choice[0]
        if matches:
            shown = " and ".join(str(image) for image in matches[:3])
            raise ValueError(f"{len(matches)} images have the name of {name}: {shown}; rename them")
    return None


def _only_image(claim: Claim, claims: dict[Path, list[Claim]]) -> Path | None:
    """The only image of the folder, or of all folders, if it has no annotations of its name."""
    here = [image for image in claims if image.parent == claim.file.parent]
    choice = here or list(claims)
    usable = claim.kind in _OF_ANY_NAME and len(choice) == 1 and not claims[choice[0]]
    return choice[0] if usable else None


def _the_one(claims: Sequence[Claim]) -> Claim | None:
    """The annotations of an image. Empty ones and those of Cellpose yield to others."""
    left = [claim for claim in claims if not claim.empty] or list(claims)
    left = [claim for claim in left if claim.kind != "seg_npy"] or left
    if len(left) > 1 and not all(claim.empty for claim in left):
        names = " and ".join(claim.file.name for claim in left)
        raise ValueError(f"has annotations in {names}; keep one of them")
    return left[0] if left else None
