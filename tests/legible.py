"""Whether the texts of a figure can be read: no two overlap, and none leaves the canvas."""

from itertools import combinations
from unittest.mock import patch

from matplotlib.text import Text
from matplotlib.transforms import Bbox

#: Pixels by which boxes may touch: a box is a little larger than its letters.
TOUCH = 2


def check(figure):
    """Draw a figure, and fail with the texts that overlap or leave the canvas.

    Slanted texts are not compared: their boxes overlap where they do not.
    """
    boxes, draw = {}, Text.draw

    def noted(self, renderer, *args, **kwargs):
        draw(self, renderer, *args, **kwargs)
        if self.get_visible() and self.get_text().strip() and self.get_rotation() % 90 == 0:
            boxes[self] = Bbox(Text.get_window_extent(self, renderer).padded(-TOUCH / 2))

    figure.draw_without_rendering()  # the layout of a first drawing is not final
    with patch.object(Text, "draw", noted):  # not `findobj`, which also finds ticks out of view
        figure.draw_without_rendering()
    left, bottom, right, top = figure.bbox.padded(TOUCH).extents
    for text, box in boxes.items():
        inside = left <= box.x0 and bottom <= box.y0 and box.x1 <= right and box.y1 <= top
        assert inside, f"the text {text.get_text()!r} leaves the canvas"
    for (one, box), (other, its) in combinations(boxes.items(), 2):
        assert not box.overlaps(its), f"the texts {one.get_text()!r} and {other.get_text()!r} overlap"
