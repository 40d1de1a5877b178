"""Training targets made from label maps, one encoding per file.

Each encoding is a function of a channel-first label map with one channel, NumPy or torch, with an array
transform and a dictionary transform. The result has the same type, and a MetaTensor keeps its metadata.
Classes are uint8: MONAI's losses convert them (``to_onehot_y``, cross-entropy and binary cross-entropy), and
a cache of them takes an eighth of the memory of int64. Continuous targets are float32.

The target replaces the label map under its key; ``monai.transforms.CopyItemsd`` keeps a copy of the ids.
"""
