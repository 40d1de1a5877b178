"""Files on disk to a list of items: readers, datalists, layouts of public sets, splits, checks, synthesis."""
