"""What ``corrlib <command> --help`` says, examples and all."""

RUN = """\
Execute one chapter with other parameters and keep the notebook, outputs and all.

examples:
  corrlib run visualization -o out.ipynb
  corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
  corrlib run visualization -p data_root=photographs -p weights=alexnet.npz -o photos.ipynb

A chapter's parameters are in its cell tagged "parameters" (book/visualization.py); a name that is not
there is refused, and so is a value of another type. Lists are written with commas: layers=conv3,conv4.
"""

BOOK = """\
Build the book of the current folder: _build/html/index.html.
Chapters whose text, parameters, code, pinned requirements and data are what they were are not executed again.

examples:
  corrlib book
  corrlib book --data photographs --weights alexnet.npz
  corrlib book --pdf
"""

DOWNLOAD = """\
Download the paper's own data and weights, and verify and unpack them.
An address that fails is followed by the next. Files of the right name in the folder are used without any
connection. Proxies are those of the environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

examples:
  corrlib download voc2011 keypoints caffenet --out data
  corrlib download torchvision --out data

voc2011      photographs of PASCAL VOC 2011, train and val (1.7 GB, and as much again unpacked)
keypoints    keypoints on them, from Berkeley
caffenet     the Caffe reference network, the paper's (244 MB)
alexnet      BVLC AlexNet, of Caffe's model zoo (244 MB)
torchvision  torchvision's AlexNet (244 MB)
"""

FIGURINES = """\
Render a world of figurines, on disk in the layout of VOC 2011.
Twenty categories with Berkeley's keypoints and, beside them, the true correspondence of every pixel. An image
is a function of the seed, its category and its number alone. A killed run goes on where it stopped.

examples:
  corrlib figurines --out figurines
  corrlib figurines --out figurines-7 --train 200 --val 100 --seed 7
"""

REPRODUCE = """\
Run the paper's own experiments at its scale, and set every number beside the published one.
All four chapters: a million patches a layer, 25 neighbours, all objects, all layers and radii. What it takes
is estimated first. A killed run goes on where it stopped. It ends with the scoreboard: every number of Tables
1 to 4 beside the paper's, and a verdict on each claim. Run it in the project's folder.

examples:
  corrlib download voc2011 keypoints caffenet --out data
  corrlib reproduce --data data --weights data/bvlc_reference_caffenet.caffemodel --out reproduction
  corrlib reproduce --data data --weights alexnet.caffemodel --out sure --no-difficult --device cuda:1

Features are kept in the cache folder of the system, or in CORRLIB_CACHE. The network and the search for
nearest neighbours run on a GPU if torch sees one, or where --device (or CORRLIB_DEVICE) says; flows,
classifiers and detectors always run on the processor.
"""

SWEEP = """\
Execute a chapter at every point of a grid: notebooks, one table, a figure, and a page to look at.
The folder gets a notebook a point, results.csv, results.json, results.png and results.html. Points that are
done are not executed again: a sweep that was stopped goes on where it was. Those that fail stop no others.

examples:
  corrlib sweep alignment -p layer=conv1,conv2,conv3,conv4,conv5 -p alpha=0.025,0.05,0.1 --out runs/align
  corrlib sweep prediction -p alpha=0.01:0.2:0.01 --out runs/predict --workers 4
  corrlib sweep classification -p "layers=conv4;conv5;conv4,conv5" --out runs/layers --dry-run
  corrlib sweep alignment --grid grid.yml --out runs/grid --scheduler tcp://127.0.0.1:8786

Values are separated by commas, those of a parameter that is a list by semicolons; first:last:step is a range
with both its ends. A grid in YAML has a line such as `alpha: [0.05, 0.1]` for each parameter.
"""

COLLECT = """\
Make the table and the page of a sweep from notebooks that papermill has executed.
All notebooks below the folder are read, whoever executed them: results.csv, results.json, results.png and
results.html are written there.

examples:
  corrlib collect runs/align
"""

TRAIN = """\
Train the figurine network on whole-image labels.
The images are figurines rendered once for it, of seeds of their own; no keypoint and no box is seen.
A killed run goes on where it stopped. The defaults are those of the network that comes with the package.

examples:
  corrlib train --out figurines.safetensors
  corrlib train --out small.safetensors --images 200 --epochs 5
  corrlib run visualization -p weights=small.safetensors -o small.ipynb
"""
