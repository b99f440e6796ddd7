"""An executable companion to Long, Zhang and Darrell, *Do Convnets Learn Correspondence?* (NIPS 2014).

Importing the package loads none of its modules, so that it costs nothing; import what you use::

    from corrlib import convnet
    from corrlib.data import open_dataset
"""

__version__ = "0.1.0"
