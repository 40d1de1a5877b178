"""Label maps of a time lapse to tracks, and tracks to motion, growth and lineage."""
