"""Points of one image in another by their most similar features, the usual baseline on pairs of images."""

import numpy as np

from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data.pairs import Pair
from corrlib.geometry import Crop
from corrlib.retrieval import nearest


def match(network: Network, layer: str, pair: Pair, *, size: int = INPUT_SIDE) -> np.ndarray:
    """Predict where the source's keypoints of a pair are in the target, from single features.

    Both images are warped to squares. The feature of a keypoint is that of the unit whose centre is nearest,
    and the prediction is the centre of the target's unit with the highest cosine similarity.

    Parameters
    ----------
    network, layer
        The features, from a layer with a feature map.
    pair
        From `corrlib.data.pairs`; its target's keypoints are not used.
    size
        Side of the squares, in pixels.

    Returns
    -------
    array (K, 2)
        ``(x, y)`` in the target's frame, for `corrlib.data.pairs.pck`.

    Raises
    ------
    ValueError
        If the layer has no feature map, or its receptive field is larger than `size`.
    DataError
        If an image cannot be read.
    """
    pictures = pair.pictures()
    edges = [(-0.5, -0.5, each.shape[1] - 0.5, each.shape[0] - 0.5) for each in pictures]
    source, target = (Crop(box, (size, size)) for box in edges)
    field = network.field(layer)
    squares = np.stack([source.image(pictures[0]), target.image(pictures[1])])
    first, second = network.features(squares, layer)
    rows, cols = field.nearest(source.points(pair.points[0]), first.shape[:2]).T
    indices, _ = nearest(first[rows, cols], second.reshape(-1, second.shape[-1]), 1)
    return target.inverse(field.centers(second.shape[:2]).reshape(-1, 2)[indices[:, 0]])
