"""Undoes gzip and deflate without ever holding more than was agreed."""

import zlib
from typing import Final

from earmark_core.errors import Malformed

ACCEPTED: Final = "gzip, deflate"
_PIECE: Final = 1 << 18
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_RAW: Final = -zlib.MAX_WBITS


class Bounded:
    """Takes an encoded body piece by piece; refuses once it exceeds *limit* bytes decoded.

    The decoder is asked for one byte more than is allowed, so a bomb costs no more than that.
    """

    def __init__(self, encoding: str, limit: int, declared: str = "") -> None:
        """Takes what the head says of packing and, as *declared*, of the length on the line."""
        self._limit = limit
        if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
            raise self._too_large()
        self._body = bytearray()
        self._taken = 0
        self._name = encoding.strip().lower().removeprefix("x-")
        if self._name not in ("", "identity", "gzip", "deflate"):
            raise Malformed(
                f"The answer is packed as {encoding[:40]!r}, which was not asked for.",
                hint="Only gzip and deflate are understood.",
            )
        self._is_plain = self._name in ("", "identity")
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)

    @property
    def held(self) -> int:
        """Gives how many decoded bytes there are so far."""
        return len(self._body)

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece as it came off the line; raises `Malformed` past the limit."""
        self._taken += len(chunk)
        if self._taken > self._limit:
            raise self._too_large()
        if self._is_plain:
            self._body += chunk
            return
        try:
            self._unpack(chunk)
        except zlib.error as error:
            raise Malformed("The answer says it is packed, but it cannot be unpacked.") from error

    def finish(self) -> bytes:
        """Gives the whole body; raises `Malformed` when a packed one stopped half-way."""
        if not self._is_plain and self._taken and not self._inflate.eof:
            raise Malformed("The packed answer stops half-way.")
        return bytes(self._body)

    def _unpack(self, chunk: bytes) -> None:
        if self._taken == len(chunk) and self._name == "deflate":
            self._inflate = _deflate_for(chunk)
        is_full = False
        while chunk or is_full:
            if self._inflate.eof:  # gzip may come as several members in a row
                if not chunk.startswith(b"\x1f\x8b"):
                    return  # padding after the end
                self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
            # In pieces, or all there is would be held twice for a moment.
            room = min(_PIECE, self._limit - len(self._body) + 1)
            piece = self._inflate.decompress(chunk, room)
            is_full = len(piece) == room
            self._body += piece
            if len(self._body) > self._limit:
                raise self._too_large()
            chunk = self._inflate.unused_data or self._inflate.unconsumed_tail

    def _too_large(self) -> Malformed:
        return Malformed(
            f"The answer is larger than {self._limit:,} bytes.",
            hint="It was not read to the end.",
        )


def _deflate_for(start: bytes) -> "zlib._Decompress":
    """Some servers send deflate without the zlib header that RFC 9110 §8.4.1.2 wants."""
    has_header = start[0] & 0x0F == 8 and (
        len(start) < 2 or int.from_bytes(start[:2], "big") % 31 == 0
    )
    return zlib.decompressobj(_GZIP_OR_ZLIB if has_header else _RAW)
