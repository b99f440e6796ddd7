"""An executable companion to Long, Zhang and Darrell, *Do Convnets Learn Correspondence?* (NIPS 2014).

Importing the package loads none of its modules, so that it costs nothing; import what you use::

    from corrlib import convnet
    from corrlib.data import open_dataset
"""

import os

__version__ = "0.1.0"

# Numba keeps compiled code beside the source or in the home folder, and neither may be writable.
if os.environ.get("CORRLIB_CACHE"):
    os.environ.setdefault("NUMBA_CACHE_DIR", os.path.expanduser(f"{os.environ['CORRLIB_CACHE']}/numba"))
