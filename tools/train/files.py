"""Files that are there whole or not at all, whenever the program ends."""
import os

import numpy as np


def save(path, arrays, write=np.savez):
    """One .npz of a dictionary of arrays; what was there before stays until it is written."""
    folder, name = os.path.split(path)
    hidden = os.path.join(folder, "." + name)
    with open(hidden, "wb") as file:
        write(file, **arrays)
    os.replace(hidden, path)
