"""Pictures kept on the training device: the real ones, and a ring of drawn ones fed from chunk
files."""
import glob
import os
import queue
import threading
import time

import numpy as np
import torch


class Ring:
    """The newest `capacity` rows of the chunk files of one kind; a thread reads files as they
    appear."""

    def __init__(self, folder, kind, capacity, device):
        self.folder, self.kind, self.capacity, self.device = folder, kind, capacity, device
        self.rows, self.next, self.count = {}, 0, 0
        self.loaded = queue.Queue(maxsize=2)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        seen = set()
        while True:
            fresh = sorted(set(glob.glob(os.path.join(self.folder, self.kind + "*.npz"))) - seen)
            for path in fresh:
                with np.load(path) as pack:
                    rows = {key: pack[key] for key in pack.files}
                if self.kind == "photo":
                    rows.setdefault("false", np.zeros(len(rows["image"]), bool))
                self.loaded.put(rows)
                seen.add(path)
            time.sleep(0.2)

    def poll(self, wait=False):
        """Takes in one chunk if one is ready (or waits for it)."""
        try:
            chunk = self.loaded.get(block=wait)
        except queue.Empty:
            return
        size = len(next(iter(chunk.values())))
        for key, value in chunk.items():
            value = torch.from_numpy(value)
            if key not in self.rows:
                self.rows[key] = torch.zeros(
                    (self.capacity, *value.shape[1:]), dtype=value.dtype, device=self.device
                )
            slots = (torch.arange(size) + self.next) % self.capacity
            self.rows[key][slots.to(self.device)] = value.to(self.device)
        self.next = (self.next + size) % self.capacity
        self.count = min(self.capacity, self.count + size)

    def draw(self, n):
        index = torch.randint(0, self.count, (n,), device=self.device)
        return {key: value[index] for key, value in self.rows.items()}


class Fixed:
    """A small set of real pictures, drawn with given weights."""

    def __init__(self, rows, weights, device):
        self.rows = {key: torch.from_numpy(value).to(device) for key, value in rows.items()}
        self.weights = torch.from_numpy(np.asarray(weights, np.float32)).to(device)

    def draw(self, n):
        index = torch.multinomial(self.weights, n, replacement=True)
        return {key: value[index] for key, value in self.rows.items()}


def join(parts):
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def pixels(images):
    """[n, h, w, 3] uint8 -> [n, 3, h, w] float in 0..1."""
    return images.permute(0, 3, 1, 2).float() / 255
