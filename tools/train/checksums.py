"""The list of models that the reader checks its files against."""
import os
import zlib


def list_checksum(path):
    """Writes the file's CRC-32 into `checksums` beside it: without it the reader does not start."""
    folder, name = os.path.split(path)
    list_path = os.path.join(folder, "checksums")
    lines = []
    if os.path.exists(list_path):
        with open(list_path) as file:
            lines = [line for line in file.read().splitlines() if line.split()[1:] != [name]]
    with open(path, "rb") as file:
        lines.append(f"{zlib.crc32(file.read()):08x} {name}")
    with open(list_path, "w") as file:
        file.write("\n".join(sorted(lines, key=lambda line: line.split()[1])) + "\n")
