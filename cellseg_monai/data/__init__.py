"""Files on disk to a list of items: readers, datalists, public layouts, splits, checks, synthesis."""
