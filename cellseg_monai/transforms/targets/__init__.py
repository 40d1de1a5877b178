"""What a network learns instead of object ids, one encoding a file.

Each encoding is a function over a channel-first label map of one channel, NumPy or torch, with an array and a
dictionary transform beside it. The result is of the same kind, and a MetaTensor keeps its meta data. Classes
are uint8: MONAI's losses convert them themselves (``to_onehot_y``, cross-entropy and binary cross-entropy
alike), and a cache of them is an eighth of the size that int64 would take. Continuous targets are float32.

The encoding replaces the label map under its key; ``monai.transforms.CopyItemsd`` keeps the ids beside it.
"""
