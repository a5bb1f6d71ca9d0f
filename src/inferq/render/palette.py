"""The colour of each class, and of the letters on it."""

EVEN_LUMINANCE = 0.179
Color = tuple[int, int, int]
BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)

# Paul Tol's "bright" and "vibrant" schemes, told apart with every common form of colour blindness
# (https://sronpersonalpages.nl/~pault/, technical note SRON/EPS/TN/09-002). The web client has the same.
PALETTE: tuple[Color, ...] = (
    (68, 119, 170),
    (238, 102, 119),
    (34, 136, 51),
    (204, 187, 68),
    (102, 204, 238),
    (170, 51, 119),
    (238, 119, 51),
    (0, 153, 136),
    (238, 51, 119),
    (51, 187, 238),
)


def class_color(class_id: int) -> Color:
    """The colour of a class, the same everywhere; neighbouring ids differ, and what COCO has on a laid table."""
    return PALETTE[(3 * class_id + 6 * (class_id // 10)) % len(PALETTE)]


def ink(background: Color) -> Color:
    """Black or white, whichever has more contrast: the sRGB luminance where both have as much is 0.179."""
    red, green, blue = ((channel / 255) ** 2.2 for channel in background)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return BLACK if luminance > EVEN_LUMINANCE else WHITE
