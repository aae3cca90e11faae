"""The place as open files and as a picture.

`write_place` writes GeoJSON (RFC 7946: longitude and latitude on WGS 84, outer rings anticlockwise)
and a GeoPackage in grid metres; `map_svg` draws the county. Both only read a `Place`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path as File
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import shapely

from .addresses import KINDS
from .geopackage import Layer, write_geopackage
from .grid import grid_to_wgs84
from .place import RIVER, Place

__all__ = ["map_svg", "write_place"]

Columns = tuple[tuple[str, str], ...]
DIGITS = 6  # of a degree: a decimetre
BUILDINGS = ("", "tower block", "farm", "care home")

WIDTH, MARGIN, LEGEND = 1000.0, 28.0, 236.0
# Deciles 1 to 10 in one hue from dark to light, told apart without colour vision and in print.
SHADES = (
    *("#7a3b1e", "#935028", "#a96536", "#bc7b4a", "#cb9162"),
    *("#d8a87d", "#e3bd99", "#ecd1b5", "#f3e2cf", "#f9f1e6"),
)
WATER, PLAIN, INK, HALO = "#2b6ea6", "#8fc1e3", "#2a2a2a", "#fffdf8"
ROAD_STYLES = {
    "A": (("#8c2320", 4.2), ("#e4655c", 2.6)),
    "B": (("#8a5a12", 3.2), ("#f3bf5b", 1.8)),
    "lane": (("#6d655c", 1.1),),
}
FONT = 'font-family="Arial, Helvetica, sans-serif"'


def write_place(place: Place, folder: File) -> None:
    """One GeoJSON file for each layer but the addresses, and all layers in `county.gpkg`."""
    folder.mkdir(parents=True, exist_ok=True)
    layers = land_layers(place)
    for layer in layers:
        text = geojson(layer)
        (folder / f"{layer.name}.geojson").write_text(text, encoding="utf-8", newline="\n")
    write_geopackage(folder / "county.gpkg", [*layers, address_layer(place)])


def land_layers(place: Place) -> list[Layer]:
    """Every layer but the addresses."""
    return [*division_layers(place), *water_layers(place), *way_layers(place)]


def division_layers(place: Place) -> Iterator[Layer]:
    code: Columns = (("code", "TEXT"), ("name", "TEXT"))
    districts, wards = place.districts, place.wards
    yield Layer(
        "districts",
        "Districts",
        (*code, ("town_easting", "INTEGER"), ("town_northing", "INTEGER")),
        [d.polygon for d in districts],
        [(d.code, d.name, int(d.town[0]), int(d.town[1])) for d in districts],
    )
    yield Layer(
        "wards",
        "Wards",
        (*code, ("district", "TEXT")),
        [w.polygon for w in wards],
        [(w.code, w.name, districts[w.district].code) for w in wards],
    )
    yield Layer(
        "small_areas",
        "Small areas of about 1,600 residents; decile 1 is the most deprived tenth",
        (
            *code,
            ("ward", "TEXT"),
            ("district", "TEXT"),
            ("decile", "INTEGER"),
            ("urban", "BOOLEAN"),
        ),
        [a.polygon for a in place.areas],
        [
            (a.code, a.name, wards[a.ward].code, districts[a.district].code, a.decile, a.urban)
            for a in place.areas
        ],
    )


def water_layers(place: Place) -> Iterator[Layer]:
    yield Layer("river", "River", (("name", "TEXT"),), [place.river], [(RIVER,)])
    zones = sorted(place.zones)
    yield Layer(
        "flood_zones",
        "Flood zones; zone 2 holds zone 3",
        (("zone", "TEXT"),),
        [place.zones[zone] for zone in zones],
        [(zone,) for zone in zones],
    )


def way_layers(place: Place) -> Iterator[Layer]:
    yield Layer(
        "roads",
        "Roads and lanes",
        (("number", "TEXT"), ("name", "TEXT"), ("kind", "TEXT")),
        [road.line for road in place.roads],
        [(road.number, road.name, road.kind) for road in place.roads],
    )
    yield Layer(
        "paths",
        "Footpaths and bridleways",
        (("code", "TEXT"), ("kind", "TEXT")),
        [path.line for path in place.paths],
        [(path.code, path.kind) for path in place.paths],
    )


def address_layer(place: Place) -> Layer:
    """A point for each dwelling and care home."""
    homes = place.addresses
    codes = np.array([area.code for area in place.areas], dtype=object)
    columns = (
        homes.uprn,
        homes.line1,
        homes.town,
        homes.postcode,
        codes[homes.area],
        np.array(KINDS, dtype=object)[homes.kind],
        np.array(BUILDINGS, dtype=object)[homes.building],
        homes.flood,
        homes.bedrooms,
        homes.beds,
    )
    names = ("uprn", "line1", "town", "postcode", "small_area", "kind", "building")
    numbers = ("flood_zone", "bedrooms", "beds")
    return Layer(
        "addresses",
        "Dwellings and care homes",
        (
            *((name, "INTEGER" if name == "uprn" else "TEXT") for name in names),
            *((name, "INTEGER") for name in numbers),
        ),
        np.column_stack((homes.easting, homes.northing)).astype(float),
        zip(*(column.tolist() for column in columns), strict=True),
    )


def geojson(layer: Layer) -> str:
    """A FeatureCollection, one feature a line."""
    shapes = shapely.orient_polygons(shapely.transform(np.array(layer.shapes), degrees))
    names = [name for name, _ in layer.columns]
    features = [
        {
            "type": "Feature",
            "id": number,
            "properties": dict(zip(names, row, strict=True)),
            "geometry": shapely.geometry.mapping(shape),
        }
        for number, (shape, row) in enumerate(zip(shapes, layer.rows, strict=True), start=1)
    ]
    lines = (json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


def degrees(points: np.ndarray) -> np.ndarray:
    return np.round(grid_to_wgs84(points), DIGITS)


class Sheet:
    """Grid metres onto the picture, north up."""

    def __init__(self, place: Place) -> None:
        west, south, east, north = place.boundary.bounds
        self.scale = (WIDTH - 2 * MARGIN) / (east - west)
        self.west, self.north = west, north
        self.height = (north - south) * self.scale + 2 * MARGIN

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (
            round(MARGIN + (x - self.west) * self.scale, 1),
            round(MARGIN + (self.north - y) * self.scale, 1),
        )

    def trace(self, shape: Any) -> str:
        """The path data of a line or of a polygon with its holes."""
        if shape.geom_type == "LineString":
            return self.stroke(shape)
        rings = (shape.exterior, *shape.interiors)
        return "".join(self.stroke(ring) + "Z" for ring in rings)

    def stroke(self, line: Any) -> str:
        points = shapely.get_coordinates(line)
        points = np.column_stack((points[:, 0] - self.west, self.north - points[:, 1]))
        tenths = np.round((points * self.scale + MARGIN) * 10).astype(np.int64)
        kept = np.append(True, np.diff(tenths, axis=0).any(axis=1))
        tenths = tenths[kept]
        steps = " ".join(f"{x / 10:g},{y / 10:g}" for x, y in tenths.tolist())
        return f"M{steps}"


def map_svg(place: Place) -> str:
    """The county as a picture of about 1,250 units by 1,000; no style sheet and no script."""
    sheet = Sheet(place)
    width, height = WIDTH + LEGEND, round(sheet.height, 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="county-map-title county-map-words" {FONT}>',
        '<title id="county-map-title">Map of the synthetic county</title>',
        f'<desc id="county-map-words">{escape(in_words(place))}</desc>',
        f'<rect width="{width:g}" height="{height:g}" fill="{HALO}"/>',
        *drawn_areas(sheet, place),
        *drawn_water(sheet, place),
        *drawn_borders(sheet, place),
        *drawn_ways(sheet, place),
        *drawn_names(sheet, place),
        *legend(sheet),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def in_words(place: Place) -> str:
    """What the picture shows, for those who do not see it."""
    names = ", ".join(district.name for district in place.districts)
    flooded = int((place.addresses.flood > 0).sum())
    return (
        f"{len(place.districts)} districts ({names}), {len(place.wards)} wards and "
        f"{len(place.areas)} small areas, shaded by decile of deprivation: the darkest are the "
        f"most deprived tenth. The {RIVER} runs from north to south; {flooded:,} of "
        f"{len(place.addresses):,} addresses lie in its flood plain. Every place is invented."
    )


def drawn_areas(sheet: Sheet, place: Place) -> Iterator[str]:
    # Simplified together, so that no gap opens between neighbours.
    shapes = shapely.coverage_simplify([area.polygon for area in place.areas], 35)
    yield '<g stroke="#ffffff" stroke-opacity="0.75" stroke-width="0.6" stroke-linejoin="round">'
    for area, shape in zip(place.areas, shapes, strict=True):
        yield f'<path fill="{SHADES[area.decile - 1]}" d="{sheet.trace(shape)}"/>'
    yield "</g>"


def drawn_water(sheet: Sheet, place: Place) -> Iterator[str]:
    for zone, thickness in (("2", "0.45"), ("3", "0.55")):
        data = sheet.trace(place.zones[zone].simplify(20))
        yield f'<path fill="{PLAIN}" fill-opacity="{thickness}" d="{data}"/>'
    data = sheet.trace(place.river.simplify(15))
    yield f'<path id="county-map-river" {line_style(WATER, 3.4)} d="{data}"/>'


def line_style(colour: str, width: float, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round" '
        f'stroke-linecap="{"butt" if dashes else "round"}"{dashed}'
    )


def drawn_borders(sheet: Sheet, place: Place) -> Iterator[str]:
    shapes = shapely.coverage_simplify([district.polygon for district in place.districts], 35)
    for shape in shapes:
        yield f'<path {line_style("#3d3a36", 1.3, "7 3 1.5 3")} d="{sheet.trace(shape)}"/>'
    edge = sheet.trace(shapely.coverage_union_all(shapes))
    yield f'<path {line_style("#3d3a36", 2.4)} d="{edge}"/>'


def drawn_ways(sheet: Sheet, place: Place) -> Iterator[str]:
    """Paths under lanes under B roads under A roads; each kind's edges under all its middles."""
    data = "".join(sheet.trace(path.line.simplify(15)) for path in place.paths)
    yield f'<path {line_style("#4c7a34", 0.8, "2.5 2")} d="{data}"/>'
    for kind in ("lane", "B", "A"):
        lines = [road.line.simplify(12) for road in place.roads if road.kind == kind]
        data = "".join(sheet.trace(line) for line in lines)
        for colour, width in ROAD_STYLES[kind]:
            yield f'<path {line_style(colour, width)} d="{data}"/>'


def drawn_names(sheet: Sheet, place: Place) -> Iterator[str]:
    """Towns by name, villages as dots and by name where there is room."""
    towns = [(district.name, *sheet.at(*district.town)) for district in place.districts]
    villages = [(village.name, *sheet.at(*village.place)) for village in place.villages]
    taken = [box(name, x, y, 19) for name, x, y in towns]
    for _, x, y in villages:
        yield f'<circle cx="{x}" cy="{y}" r="2.2" fill="{INK}"/>'
    for name, x, y in villages:
        around = box(name, x, y, 10.5)
        if not any(overlap(around, other) for other in taken):
            taken.append(around)
            yield (
                words(name, x + 5, y - 4, 10.5)
                if fits(name, x, 10.5)
                else words(name, x - 5, y - 4, 10.5, anchor="end")
            )
    for name, x, y in towns:
        yield f'<circle cx="{x}" cy="{y}" r="6" fill="{HALO}" stroke="{INK}" stroke-width="2.4"/>'
        yield words(name, x + 10, y - 7, 19, weight="bold")


def fits(name: str, x: float, size: float) -> bool:
    """Whether a name to the right of a dot stays off the legend."""
    return x + size * 0.58 * len(name) < WIDTH - 8


def box(name: str, x: float, y: float, size: float) -> tuple[float, float, float, float]:
    """What a name takes up, with its dot: left, top, right, bottom."""
    wide = 14 + size * 0.58 * len(name)
    left = x - 4 if fits(name, x, size) else x - wide
    return (left, y - size * 1.4, left + wide, y + size * 0.5)


def overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def words(
    text: str, x: float, y: float, size: float, *, weight: str = "normal", anchor: str = "start"
) -> str:
    """Text with a light edge that keeps it readable on any ground."""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{INK}" stroke="{HALO}" stroke-width="{size / 5:g}" '
        f'stroke-linejoin="round" paint-order="stroke">{escape(text)}</text>'
    )


def legend(sheet: Sheet) -> Iterator[str]:
    """What the colours and lines mean, the scale, and north."""
    left, top = WIDTH + 4, MARGIN + 8
    yield words("Deprivation of small areas", left, top + 10, 15, weight="bold")
    for i, shade in enumerate(SHADES):
        y = top + 24 + i * 19
        said = {0: "1 most deprived tenth", 9: "10 least deprived tenth"}.get(i, str(i + 1))
        yield f'<rect x="{left}" y="{y:g}" width="28" height="19" fill="{shade}" stroke="#cfc6ba"/>'
        yield words(said, left + 38, y + 14, 13)
    top += 24 + 190 + 34
    yield words("Lines and places", left, top, 15, weight="bold")
    for i, (said, drawing) in enumerate(keys()):
        y = top + 24 + i * 25
        yield f'<g transform="translate({left:g} {y:g})">{drawing}</g>'
        yield words(said, left + 38, y + 4.5, 13)
    yield from scale_bar(sheet, left, top + 24 + 25 * len(keys()) + 34)


def keys() -> list[tuple[str, str]]:
    """Each kind of line with a drawn example 28 units wide."""

    def example(*styles: str) -> str:
        return "".join(f'<path {style} d="M0,0 28,0"/>' for style in styles)

    roads = {
        kind: example(*(line_style(*style) for style in styles))
        for kind, styles in ROAD_STYLES.items()
    }
    dot = f'<circle cx="14" cy="0" r="2.2" fill="{INK}"/>'
    ring = f'<circle cx="14" cy="0" r="6" fill="{HALO}" stroke="{INK}" stroke-width="2.4"/>'
    plain = f'<rect y="-8" width="28" height="16" fill="{PLAIN}" fill-opacity="0.75"/>'
    return [
        (RIVER, example(line_style(WATER, 3.4))),
        ("Flood plain", plain),
        ("County", example(line_style("#3d3a36", 2.4))),
        ("District", example(line_style("#3d3a36", 1.3, "7 3 1.5 3"))),
        ("A road", roads["A"]),
        ("B road", roads["B"]),
        ("Lane", roads["lane"]),
        ("Footpath or bridleway", example(line_style("#4c7a34", 0.8, "2.5 2"))),
        ("Town", ring),
        ("Village", dot),
    ]


def scale_bar(sheet: Sheet, left: float, top: float) -> Iterator[str]:
    long = 5_000 * sheet.scale
    for i, fill in enumerate((INK, HALO)):
        yield (
            f'<rect x="{left + i * long / 2:.1f}" y="{top:g}" width="{long / 2:.1f}" height="6" '
            f'fill="{fill}" stroke="{INK}"/>'
        )
    yield words("0", left, top + 21, 12)
    yield words("5 kilometres", left + long - 8, top + 21, 12)
    arrow = f"M{left + 200:g},{top + 8:g} l-7,0 7,-26 7,26 z"
    yield f'<path d="{arrow}" fill="{INK}"/>'
    yield words("N", left + 195.5, top + 23, 13, weight="bold")
