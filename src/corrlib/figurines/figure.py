"""A figure: one instance of a category, built from solid primitives in its own frame.

The frame is right-handed: x points forward (towards the figure's nose), y to its own left, z up. Lengths are
free: the scene rescales every figure to its place in the image. Each primitive is the image of a *unit solid*
under an affine map, so that a point of its surface has coordinates ``u`` that mean the same place on every
instance of the category: that is the correspondence the paper asks about, and keypoints are nothing but such
points with a name.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

ELLIPSOID, BOX, FRUSTUM, TUBE = range(4)

#: x, y and z: a point, or half axes.
Vector = Sequence[float] | np.ndarray
#: One primitive: ``point = centre + axes @ u`` for ``u`` in the unit solid of its kind. The unit solids:
#: ELLIPSOID ``|u| <= 1``; BOX ``max |u| <= 1``; FRUSTUM ``|u_z| <= 1`` and ``hypot(u_x, u_y)`` at most 1 at
#: ``u_z = -1`` falling (or growing) linearly to `shape` at ``u_z = 1`` (1: a cylinder, 0: a cone); TUBE a
#: cylinder with a coaxial hole of radius `shape`.
Solid = namedtuple("Solid", "part kind shape centre axes slot")


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

    def within(self, naming="*", at: Vector = (0, 0, 0), *, scale=1.0, move=None, **turned) -> "Figure":
        """The same figure, to which parts are added in another frame.

        Its origin is `at` of this one; it is turned by ``rotation=`` (3, 3) or the angles of `turn`, and
        enlarged by `scale`, a number or one for each axis, negative to mirror. In `naming` the star stands
        for the name of a part.
        """
        origin = self.origin + self.rotation @ (self.scale * at)
        naming, scale, rotation = self.naming.replace("*", naming), self.scale * scale, self._turned(**turned)
        return Figure(self.solids, self.keypoints, naming, origin, rotation, scale, move or self.move)

    def sides(self, first="left", second="right", naming="{}_*", sign=1.0) -> Iterator[tuple]:
        """Yield each side's name, its sign of y and the figure mirrored to it; parts are ``<name>_*``."""
        for name, s in ((first, sign), (second, -sign)):
            yield name, s, self.within(naming.format(name), scale=(1, s, 1))

    def at(self, x: float, y: float, z: float) -> np.ndarray:
        """The place in the figure of a point of the frame."""
        return self.move(self.origin + self.rotation @ (self.scale * (x, y, z)))

    def ellipsoid(self, part: str, centre: Vector, half: Vector, slot: str, **turned) -> None:
        """Add an ellipsoid with half axes `half`, turned about its centre as `within` turns a frame."""
        axes = self._turned(**turned) * (np.abs(self.scale) * half)
        self._add(part, ELLIPSOID, 1.0, self.at(*centre), axes, slot)

    def box(self, part: str, centre: Vector, half: Vector, slot: str, **turned) -> None:
        """Add a box with half sides `half`, turned about its centre as `within` turns a frame."""
        axes = self._turned(**turned) * (np.abs(self.scale) * half)
        self._add(part, BOX, 1.0, self.at(*centre), axes, slot)

    def slanted(self, part: str, centre: Vector, half: Vector, slot: str, *, lean=0.0, dive=0.0, flare=0.0):
        """Add a sheared box: top `lean` forward and `flare` left of its foot, front `dive` below its back."""
        axes = np.diag(np.asarray(half, float))
        axes[0, 2], axes[1, 2], axes[2, 0] = lean / 2, flare / 2, -dive / 2
        self._add(part, BOX, 1.0, self.at(*centre), axes, slot)

    def limb(self, part: str, start: Vector, end: Vector, radius, slot: str, *, top=1.0, hole=0.0) -> None:
        """Add a frustum whose axis runs from `start` (``u_z = -1``) to `end` (``u_z = 1``), a pipe or a tyre.

        `radius` holds at `start`, ``top * radius`` at `end`: ``top=1`` a cylinder, ``top=0`` a cone. A pair
        of radii makes the cross-section elliptic: the first lies along y as far as the axis allows (along x
        for an axis along y). With a hole, of radius ``hole * radius``, it is a cylinder.
        """
        start, end = self.at(*start), self.at(*end)
        kind, shape = (TUBE, hole) if hole else (FRUSTUM, top)
        self._add(part, kind, shape, (start + end) / 2, _axes_along(end - start, radius), slot)

    def blade(self, part: str, root: Vector, tip: Vector, along, across, slot: str, *, taper: float) -> None:
        """Add a wing, a fin or a sail: a flat, sheared frustum from `root` (``u_z = -1``) to `tip`.

        `along` and `across` are half the chord and half the thickness at the root, as vectors;
        `taper` of them remains at the tip.
        """
        root, tip = self.at(*root), self.at(*tip)
        axes = np.stack([along, across, (tip - root) / 2], axis=1)
        self._add(part, FRUSTUM, taper, (root + tip) / 2, axes, slot)

    def wheel(
        self, name: str, centre: Vector, radius, half_width, *, hole, hub, thin=1.0, spokes=0, slot="metal"
    ) -> None:
        """Add `name`_tyre, `name`_hub and diametral `name`_spoke0... on an axle along the frame's y.

        The hub has radius ``hub * radius`` and half width ``thin * half_width``. On tyre and hub ``u_z = 1``
        is the face towards positive y, ``u = (1, 0, .)`` points forward, and ``u = (0, -1, .)`` up, or down
        in a mirrored frame.
        """
        centre, across = np.asarray(centre, float), np.array([0.0, half_width, 0.0])
        self.limb(f"{name}_tyre", centre - across, centre + across, radius, "dark", hole=hole)
        self.limb(f"{name}_hub", centre - thin * across, centre + thin * across, hub * radius, slot)
        for i in range(spokes):
            angle = np.pi * (i + 0.5) / spokes
            arm = radius * (hole + 1) / 2 * np.array([np.cos(angle), 0.0, np.sin(angle)])
            self.limb(f"{name}_spoke{i}", centre - arm, centre + arm, 0.02 * radius, "metal")

    def name(self, pattern: str | None = None, **points: tuple) -> None:
        """Name points of parts: ``name=(part, x, y, z)``, in the part's unit frame.

        The part is the frame's, or the figure's if the frame has none of that name. The name stands for the
        star in `pattern`, by default that of the frame's parts.
        """
        parts = {solid.part for solid in self.solids}
        for name, (part, *u) in points.items():
            own = self.naming.replace("*", part)
            if not parts & {own, part}:
                raise ValueError(f"keypoint {name}: the figure has no part {own!r}")
            name = (pattern or self.naming).replace("*", name)
            self.keypoints[name] = (own if own in parts else part, np.array(u, float))

    @property
    def slots(self) -> list[str]:
        """The material slots in order of first use."""
        return list(dict.fromkeys(solid.slot for solid in self.solids))

    def _add(self, part: str, kind: int, shape: float, centre, axes: np.ndarray, slot: str) -> None:
        self.solids.append(Solid(self.naming.replace("*", part), kind, shape, centre, axes, slot))

    def _turned(self, *, rotation: np.ndarray | None = None, **angles: float) -> np.ndarray:
        rotation = turn(**angles) if angles else rotation
        return self.rotation if rotation is None else self.rotation @ rotation


@dataclass(frozen=True)
class Category:
    """How instances of a category are drawn.

    `draw(figure, rng, subtype)` adds the parts of a subtype, which never depend on `rng`. `views` is a
    mixture over the camera's azimuth, ``(mean degrees, spread, weight)``: 0 sees the figure's front, 90 its
    left side, 180 its back. `elevation` is its range in degrees, low ones likelier. `places` are where it is
    found, of `backdrop.PLACES`, repeated for the likelier; `metres` is its diagonal; `finish` is what its
    body is made of.
    """

    draw: Callable[[Figure, np.random.Generator, str], None]
    subtypes: tuple[str, ...]
    views: tuple[tuple[float, float, float], ...]
    elevation: tuple[float, float]
    places: tuple[str, ...]
    metres: float
    finish: str

    def build(self, rng: np.random.Generator, subtype: str) -> Figure:
        """Return a new figure."""
        figure = Figure()
        self.draw(figure, rng, subtype)
        return figure


#: PASCAL's way of photographing things that move: sides and three-quarter views, some fronts, few backs.
SIDE_VIEWS = (
    *((side * mean, 28, weight) for side in (1, -1) for mean, weight in ((90, 2), (45, 2), (135, 1))),
    (0, 22, 1),
)
#: ... and furniture and things that stand: from the front and somewhat to either side.
FRONT_VIEWS = ((0, 25, 1.2), (50, 28, 1.5), (-50, 28, 1.5), (180, 40, 0.5))


def vary(rng: np.random.Generator, value: float, amount: float = 0.2) -> float:
    """Draw a proportion: `value` give or take `amount` of itself."""
    return value * rng.uniform(1 - amount, 1 + amount)


def turn(*, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation (3, 3) from degrees: `roll` about x, then `pitch` (nose up), then `yaw` (to the left)."""
    a, b, c = np.radians([yaw, -pitch, roll])
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return about_z @ about_y @ about_x


def turning(pivot: Vector, axis: Vector, degrees: float) -> Callable[[Vector], np.ndarray]:
    """Return the turn by `degrees` about the line through `pivot` along `axis`, as a map of points."""
    pivot, k = np.asarray(pivot, float), np.asarray(axis, float)
    k = k / np.linalg.norm(k)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def move(point: Vector) -> np.ndarray:
        v = np.asarray(point, float) - pivot
        return pivot + v * c + np.cross(k, v) * s + k * (k @ v) * (1 - c)

    return move


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
