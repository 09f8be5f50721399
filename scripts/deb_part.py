#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Files of a package that is fetched only as far as they lie in it.

    deb_part.py URL DIRECTORY NAME...

Puts the files whose last component is NAME into the directory, without the right to be executed,
and stops reading there.  Fails if one is not among the first MOST bytes.
"""
import os
import sys
import tarfile
import urllib.request

MOST = 64 << 20
TRIES = 3
HEADER = 60  # of a member of an ar archive


class Head:
    """What comes first of a stream."""

    def __init__(self, stream):
        self.stream, self.left = stream, MOST

    def read(self, size):
        data = self.stream.read(min(size, self.left))
        self.left -= len(data)
        return data


def find_data(head):
    """Reads up to the member that has the package's files, and returns how it is packed."""
    if head.read(8) != b"!<arch>\n":
        sys.exit("no Debian package")
    while True:
        header = head.read(HEADER)
        if len(header) != HEADER:
            sys.exit("a package without files")
        name, size = header[:16].decode().strip(), int(header[48:58])
        if name.startswith("data.tar"):
            return os.path.splitext(name)[1][1:]
        head.read(size + size % 2)


def take(url, directory, names):
    with urllib.request.urlopen(url, timeout=60) as stream:
        head = Head(stream)
        with tarfile.open(fileobj=head, mode="r|" + find_data(head)) as files:
            for member in files:
                name = os.path.basename(member.name)
                if name not in names or not member.isfile():
                    continue
                with open(os.path.join(directory, name), "wb") as out:
                    out.write(files.extractfile(member).read())
                names = names - {name}
                if not names:
                    return
    sys.exit(f"not there: {' '.join(sorted(names))}")


def main():
    url, directory, *names = sys.argv[1:]
    for _ in range(TRIES):
        try:
            take(url, directory, set(names))
            return
        except (OSError, EOFError, tarfile.ReadError) as error:
            print(f"deb_part.py: {url}: {error}", file=sys.stderr)
    sys.exit(1)


main()
