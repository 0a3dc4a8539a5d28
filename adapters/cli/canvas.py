"""Drawing with the dots of braille characters: 2 × 4 dots in each character cell."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800


class Canvas:
    """A drawing of `width` × `height` cells; x and y count dots from the upper left corner. What lies outside is not drawn."""

    def __init__(self, width: int, height: int) -> None:
        self.dots_across, self.dots_down = width * 2, height * 4
        self._cells = [bytearray(width) for _ in range(height)]

    def point(self, x: float, y: float) -> None:
        """Set one dot."""
        column, row = round(x), round(y)
        if 0 <= column < self.dots_across and 0 <= row < self.dots_down:
            self._cells[row // 4][column // 2] |= _DOTS[row % 4][column % 2]

    def line(self, x0: float, y0: float, x1: float, y1: float, thickness: int = 1) -> None:
        """Set the dots between two points; a thicker one is drawn as parallel ones."""
        steps = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
        steep = abs(y1 - y0) > abs(x1 - x0)
        for offset in range(-(thickness // 2), (thickness + 1) // 2):
            dx, dy = (offset, 0) if steep else (0, offset)
            for step in range(steps + 1):
                share = step / steps
                self.point(x0 + dx + (x1 - x0) * share, y0 + dy + (y1 - y0) * share)

    def disc(self, x: float, y: float, radius: float) -> None:
        """Fill a circle."""
        reach = int(radius) + 1
        for dx in range(-reach, reach + 1):
            for dy in range(-reach, reach + 1):
                if dx * dx + dy * dy <= radius * radius:
                    self.point(x + dx, y + dy)

    def box(self, left: float, top: float, right: float, bottom: float) -> None:
        """Draw a rectangle's sides."""
        for x0, y0, x1, y1 in (
            (left, top, right, top),
            (left, bottom, right, bottom),
            (left, top, left, bottom),
            (right, top, right, bottom),
        ):
            self.line(x0, y0, x1, y1)

    def rows(self) -> list[str]:
        """The drawing, a text for each row."""
        return ["".join(chr(_BLANK + cell) for cell in row) for row in self._cells]
