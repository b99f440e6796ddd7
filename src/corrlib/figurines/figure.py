"""A figure: one instance of a category, built from solid primitives in its own frame.

The frame is right-handed: x points forward (towards the figure's nose), y to its own left, z up. Lengths are
free: the scene rescales every figure to its place in the image. Each primitive is the image of a *unit solid*
under an affine map, so that a point of its surface has coordinates ``u`` that mean the same place on every
instance of the category: that is the correspondence the paper asks about, and keypoints are nothing but such
points with a name.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

ELLIPSOID, BOX, FRUSTUM, TUBE = range(4)

#: x, y and z: a point, or half axes.
Vector = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Solid:
    """One primitive: ``point = centre + axes @ u`` for ``u`` in the unit solid of its kind.

    The unit solids: ELLIPSOID ``|u| <= 1``; BOX ``max |u| <= 1``; FRUSTUM ``|u_z| <= 1`` and ``hypot(u_x,
    u_y)`` at most 1 at ``u_z = -1`` falling (or growing) linearly to `shape` at ``u_z = 1`` (1: a cylinder,
    0: a cone); TUBE a cylinder with a coaxial hole of radius `shape`.
    """

    part: str
    kind: int
    shape: float
    centre: np.ndarray
    axes: np.ndarray
    slot: str


@dataclass
class Figure:
    """Builder and container of one instance: its solids and its named keypoints, ``name -> (part, u)``.

    Parts are added in the frame of the figure, or of a piece of it (`within`): a place p is ``origin +
    rotation @ (scale * p)``, then moved by `move`, which turns no solid; half sides are multiplied by
    ``|scale|``, and radii by nothing. The name of a part stands for the star in `naming`.
    """

    solids: list[Solid] = field(default_factory=list)
    keypoints: dict[str, tuple[str, np.ndarray]] = field(default_factory=dict)
    naming: str = "*"
    origin: np.ndarray = field(default_factory=lambda: np.zeros(3))
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    scale: np.ndarray = field(default_factory=lambda: np.ones(3))
    move: Callable[[np.ndarray], np.ndarray] = np.asarray

    def within(
        self, naming: str = "*", at: Vector = (0, 0, 0), *, rotation=None, scale=1.0, move=None
    ) -> "Figure":
        """The same figure, to which parts are added in another frame.

        Its origin is `at` of this one; it is turned by `rotation` (3, 3) and enlarged by `scale`, a number or
        one for each axis, negative to mirror. In `naming` the star stands for the name of a part.
        """
        origin = self.origin + self.rotation @ (self.scale * at)
        rotation = self.rotation if rotation is None else self.rotation @ rotation
        naming, scale = self.naming.replace("*", naming), self.scale * scale
        return Figure(self.solids, self.keypoints, naming, origin, rotation, scale, move or self.move)

    def sides(self, left: str = "left", right: str = "right") -> Iterator[tuple[str, float, "Figure"]]:
        """Yield each side's name, its sign of y and the figure mirrored to it; parts are ``<name>_*``."""
        for name, sign in ((left, 1.0), (right, -1.0)):
            yield name, sign, self.within(f"{name}_*", scale=(1, sign, 1))

    def at(self, x: float, y: float, z: float) -> np.ndarray:
        """The place in the figure of a point of the frame."""
        return self.move(self.origin + self.rotation @ (self.scale * (x, y, z)))

    def ellipsoid(self, part: str, centre: Vector, half: Vector, slot: str, *, rotation=None) -> None:
        """Add an ellipsoid with half axes `half`, turned by the 3 x 3 `rotation` about its centre."""
        self._add(part, ELLIPSOID, 1.0, self.at(*centre), self._axes(half, rotation), slot)

    def box(self, part: str, centre: Vector, half: Vector, slot: str, *, rotation=None) -> None:
        """Add a box with half sides `half`, turned by the 3 x 3 `rotation` about its centre."""
        self._add(part, BOX, 1.0, self.at(*centre), self._axes(half, rotation), slot)

    def slanted(
        self, part: str, centre: Vector, half: Vector, slot: str, *, lean=0.0, dive=0.0, flare=0.0
    ) -> None:
        """Add a sheared box: top `lean` forward and `flare` left of its foot, front `dive` below its back."""
        axes = np.diag(np.asarray(half, float))
        axes[0, 2], axes[1, 2], axes[2, 0] = lean / 2, flare / 2, -dive / 2
        self._add(part, BOX, 1.0, self.at(*centre), axes, slot)

    def limb(
        self, part: str, start: Vector, end: Vector, radius: float | tuple, slot: str, *, top: float = 1.0
    ) -> None:
        """Add a frustum whose axis runs from `start` (``u_z = -1``) to `end` (``u_z = 1``).

        `radius` holds at `start`, ``top * radius`` at `end`: ``top=1`` a cylinder, ``top=0`` a cone. A pair
        of radii makes the cross-section elliptic: the first lies along y as far as the axis allows (along x
        for an axis along y).
        """
        start, end = self.at(*start), self.at(*end)
        self._add(part, FRUSTUM, top, (start + end) / 2, _axes_along(end - start, radius), slot)

    def tube(self, part: str, start: Vector, end: Vector, radius: float, slot: str, *, hole: float) -> None:
        """Add a pipe or a tyre: a cylinder from `start` to `end` with a hole of radius ``hole * radius``."""
        start, end = self.at(*start), self.at(*end)
        self._add(part, TUBE, hole, (start + end) / 2, _axes_along(end - start, radius), slot)

    def blade(
        self, part: str, root: Vector, tip: Vector, along: Vector, across: Vector, slot: str, *, taper: float
    ) -> None:
        """Add a wing, a fin or a sail: a flat, sheared frustum from `root` (``u_z = -1``) to `tip`.

        `along` and `across` are half the chord and half the thickness at the root, as vectors;
        `taper` of them remains at the tip.
        """
        root, tip = self.at(*root), self.at(*tip)
        axes = np.stack([along, across, (tip - root) / 2], axis=1)
        self._add(part, FRUSTUM, taper, (root + tip) / 2, axes, slot)

    def keypoint(self, name: str, part: str, u: Vector) -> None:
        """Name the point `u` (unit frame) of `part`; the part must have been added already."""
        part = self.naming.replace("*", part)
        if all(solid.part != part for solid in self.solids):
            raise ValueError(f"keypoint {name}: the figure has no part {part!r}")
        self.keypoints[name] = (part, np.asarray(u, float))

    @property
    def slots(self) -> list[str]:
        """The material slots in order of first use."""
        return list(dict.fromkeys(solid.slot for solid in self.solids))

    def stretched(self, factors: np.ndarray) -> "Figure":
        """The same figure, its x, y and z multiplied by `factors`; unit frames, and so keypoints, stay."""
        solids = [
            replace(solid, centre=solid.centre * factors, axes=solid.axes * factors[:, None])
            for solid in self.solids
        ]
        return Figure(solids, self.keypoints)

    def _add(
        self, part: str, kind: int, shape: float, centre: np.ndarray, axes: np.ndarray, slot: str
    ) -> None:
        self.solids.append(Solid(self.naming.replace("*", part), kind, shape, centre, axes, slot))

    def _axes(self, half: Vector, rotation: np.ndarray | None) -> np.ndarray:
        turned = self.rotation if rotation is None else self.rotation @ rotation
        return turned * (np.abs(self.scale) * half)


@dataclass(frozen=True)
class Category:
    """How instances of a category are drawn.

    `build(rng, subtype)` returns a `Figure`; the parts of a subtype never depend on `rng`. `views` is a
    mixture over the camera's azimuth, ``(mean degrees, spread, weight)``: 0 sees the figure's front, 90 its
    left side, 180 its back. `elevation` is the range in degrees.
    """

    build: Callable[[np.random.Generator, str], Figure]
    subtypes: tuple[str, ...]
    views: tuple[tuple[float, float, float], ...]
    elevation: tuple[float, float] = (0.0, 25.0)


#: PASCAL's way of photographing things that move: sides and three-quarter views, some fronts, few backs.
SIDE_VIEWS = (
    (90, 14, 2),
    (-90, 14, 2),
    (45, 18, 2),
    (-45, 18, 2),
    (0, 12, 1),
    (135, 18, 0.6),
    (-135, 18, 0.6),
)
#: ... and furniture and things that stand: from the front and somewhat to either side.
FRONT_VIEWS = ((0, 12, 2), (32, 12, 1.5), (-32, 12, 1.5))


def turn(*, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation (3, 3) from degrees: `roll` about x, then `pitch` (nose up), then `yaw` (to the left)."""
    a, b, c = np.radians([yaw, -pitch, roll])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return about_z @ about_y @ about_x


def _axes_along(axis: np.ndarray, radius: float | tuple[float, float]) -> np.ndarray:
    """Columns: two cross-section axes and half of `axis`.

    The first leans on y, so that limbs that swing forward and back keep it.
    """
    length = np.linalg.norm(axis)
    if not length > 0:
        raise ValueError("a limb needs two different end points")
    z = axis / length
    reference = np.array([0.0, 1.0, 0.0]) if abs(z[1]) < 0.85 else np.array([1.0, 0.0, 0.0])
    x = reference - z * (reference @ z)
    x /= np.linalg.norm(x)
    # np.cross takes longer than all the rest of this function
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])
    first, second = (radius, radius) if np.isscalar(radius) else radius
    return np.stack([x * first, y * second, axis / 2], axis=1)
