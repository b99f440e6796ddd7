"""A cache of results: keyed by code and inputs, written whole or not at all, verified when first read."""
# ruff: noqa: F401

from corrlib.cache.code import code_digest, imports_digest, library_versions, version_digest
from corrlib.cache.entries import (
    CacheError,
    CorruptEntryWarning,
    cache_dir,
    cached,
    entry_path,
    hold,
    keep,
    replacing,
)
