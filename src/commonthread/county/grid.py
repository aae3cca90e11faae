"""From the National Grid to longitude and latitude, in closed form.

Sources: Ordnance Survey, *A guide to coordinate systems in Great Britain* (Airy 1830, the National
Grid's projection, the seven-parameter transformation, accurate to about 5 m); C. F. F. Karney,
"Transverse Mercator with an accuracy of a few nanometers", 2011 (the series used here, which need
no iteration); B. R. Bowring, 1976 (latitude from cartesian coordinates).
"""

import numpy as np
import numpy.typing as npt

# Semi-major and semi-minor axis in metres.
AIRY = (6_377_563.396, 6_356_256.909)
WGS84 = (6_378_137.0, 6_356_752.314_245)
# The National Grid: scale on the central meridian, true origin, its false coordinates.
SCALE = 0.999_601_271_7
ORIGIN = (np.radians(-2.0), np.radians(49.0))
FALSE = (400_000.0, -100_000.0)
# OSGB36 to WGS84: metres, seconds of arc, parts per million.
SHIFT = (446.448, -125.157, 542.060)
TURN = (0.1502, 0.2470, 0.8421)
GROWTH = -20.4894

Floats = npt.NDArray[np.float64]


def grid_to_wgs84(points: Floats) -> Floats:
    """Grid metres (n, 2) as easting, northing -> degrees (n, 2) as longitude, latitude on WGS84."""
    longitude, latitude = grid_to_airy(points)
    x, y, z = shifted(*to_cartesian(longitude, latitude, AIRY))
    return np.degrees(np.column_stack(to_geodetic(x, y, z, WGS84)))


def grid_to_airy(points: Floats) -> tuple[Floats, Floats]:
    """Grid metres (n, 2) -> longitude and latitude in radians on the Airy ellipsoid (OSGB36)."""
    n = third_flattening(AIRY)
    radius = rectifying_radius(AIRY) * SCALE
    zeta = (points[:, 1] - FALSE[1]) / radius + rectifying_latitude(ORIGIN[1], n)
    zeta = zeta + 1j * (points[:, 0] - FALSE[0]) / radius
    order = 2 * np.arange(1, 5)
    sphere = zeta - np.sin(zeta[:, None] * order) @ np.array(inverse_series(n))
    xi, eta = sphere.real, sphere.imag
    conformal = np.arcsin(np.sin(xi) / np.cosh(eta))
    latitude = conformal + np.sin(conformal[:, None] * order) @ np.array(latitude_series(n))
    return ORIGIN[0] + np.arctan2(np.sinh(eta), np.cos(xi)), latitude


def third_flattening(axes: tuple[float, float]) -> float:
    return (axes[0] - axes[1]) / (axes[0] + axes[1])


def rectifying_radius(axes: tuple[float, float]) -> float:
    """The radius of a circle as long as the ellipsoid's meridian, in metres."""
    n = third_flattening(axes)
    return axes[0] / (1 + n) * (1 + n**2 / 4 + n**4 / 64)


def rectifying_latitude(latitude: float, n: float) -> float:
    """Distance along the meridian from the equator, as an angle in radians."""
    terms = (
        -3 / 2 * n + 9 / 16 * n**3,
        15 / 16 * n**2 - 15 / 32 * n**4,
        -35 / 48 * n**3,
        315 / 512 * n**4,
    )
    return latitude + sum(c * float(np.sin(2 * k * latitude)) for k, c in enumerate(terms, start=1))


def inverse_series(n: float) -> tuple[float, ...]:
    """Krüger's beta to the fourth order: from the projected plane to the conformal sphere."""
    return (
        n / 2 - 2 / 3 * n**2 + 37 / 96 * n**3 - n**4 / 360,
        n**2 / 48 + n**3 / 15 - 437 / 1440 * n**4,
        17 / 480 * n**3 - 37 / 840 * n**4,
        4397 / 161280 * n**4,
    )


def latitude_series(n: float) -> tuple[float, ...]:
    """From conformal to geodetic latitude, to the fourth order."""
    return (
        2 * n - 2 / 3 * n**2 - 2 * n**3 + 116 / 45 * n**4,
        7 / 3 * n**2 - 8 / 5 * n**3 - 227 / 45 * n**4,
        56 / 15 * n**3 - 136 / 35 * n**4,
        4279 / 630 * n**4,
    )


def to_cartesian(
    longitude: Floats, latitude: Floats, axes: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    """Radians on the ellipsoid's surface -> metres from the Earth's centre."""
    squared = 1 - (axes[1] / axes[0]) ** 2
    normal = axes[0] / np.sqrt(1 - squared * np.sin(latitude) ** 2)
    flat = normal * np.cos(latitude)
    z = normal * (1 - squared) * np.sin(latitude)
    return flat * np.cos(longitude), flat * np.sin(longitude), z


def shifted(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Cartesian OSGB36 -> cartesian WGS84: small rotations, a scale and a shift."""
    a, b, c = np.radians(np.array(TURN) / 3600)
    scale = 1 + GROWTH * 1e-6
    return (
        SHIFT[0] + scale * x - c * y + b * z,
        SHIFT[1] + c * x + scale * y - a * z,
        SHIFT[2] - b * x + a * y + scale * z,
    )


def to_geodetic(
    x: Floats, y: Floats, z: Floats, axes: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Metres from the Earth's centre -> longitude and latitude in radians."""
    squared, flat = 1 - (axes[1] / axes[0]) ** 2, np.hypot(x, y)
    reduced = np.arctan2(z * axes[0], flat * axes[1])
    up = z + squared / (1 - squared) * axes[1] * np.sin(reduced) ** 3
    return np.arctan2(y, x), np.arctan2(up, flat - squared * axes[0] * np.cos(reduced) ** 3)
