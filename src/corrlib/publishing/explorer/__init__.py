"""What the pages' explorers show, computed beforehand: a reader without Python moves through results.

`places` is where a point goes (`truths`: where it truly is), `tolerances` which keypoints are correct,
`nearest` what is like a patch. Each has the ``content`` that a script of ``book/_static`` reads, and the
``picture`` that stands there without JavaScript; `page` puts both into a page. Nothing here is an experiment:
flows are those of the alignment chapter (`aligned`), features those of the visualization chapter.
"""
