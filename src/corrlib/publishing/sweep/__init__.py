"""Parameter sweeps: the points of a grid executed by papermill on dask workers, and one table of them."""
