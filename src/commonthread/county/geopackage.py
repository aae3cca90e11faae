"""A GeoPackage with the standard library: SQLite with the tables of OGC 12-128r17 (version 1.3).

The file holds no time of its making and is packed before it is closed: the same layers give the
same bytes with the same SQLite.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

GRID = 27700
APPLICATION_ID = 0x47504B47  # "GPKG"
VERSION = 10300
# A fixed time stands for "last change": a real one would make each file differ.
CHANGED = "2026-09-30T00:00:00.000Z"
LITTLE_ENDIAN, WITH_ENVELOPE = 0x01, 0x02

TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT
);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id)
);
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);
"""

GRID_WKT = (
    'PROJCS["OSGB36 / British National Grid",GEOGCS["OSGB36",'
    'DATUM["Ordnance_Survey_of_Great_Britain_1936",'
    'SPHEROID["Airy 1830",6377563.396,299.3249646,AUTHORITY["EPSG","7001"]],'
    'AUTHORITY["EPSG","6277"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4277"]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",49],'
    'PARAMETER["central_meridian",-2],PARAMETER["scale_factor",0.9996012717],'
    'PARAMETER["false_easting",400000],PARAMETER["false_northing",-100000],'
    'UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],AXIS["Northing",NORTH],'
    'AUTHORITY["EPSG","27700"]]'
)
WGS84_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,'
    'AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AUTHORITY["EPSG","4326"]]'
)
# The standard asks for the first three in every file.
SYSTEMS = (
    ("Undefined cartesian SRS", -1, "NONE", -1, "undefined", "undefined cartesian system"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic system"),
    ("WGS 84", 4326, "EPSG", 4326, WGS84_WKT, "longitude and latitude in degrees"),
    ("OSGB36 / British National Grid", GRID, "EPSG", GRID, GRID_WKT, "metres"),
)


@dataclass(frozen=True, slots=True)
class Layer:
    """A table of features: `columns` are name and SQL type; one row of `rows` for each shape.

    `shapes` is an array of shapely geometries of one type, or of points (n, 2) in metres.
    """

    name: str
    title: str
    columns: tuple[tuple[str, str], ...]
    shapes: Any
    rows: Iterable[Sequence[Any]]

    @property
    def kind(self) -> str:
        return "POINT" if self.are_points else str(self.shapes[0].geom_type).upper()

    @property
    def are_points(self) -> bool:
        return getattr(self.shapes, "ndim", 1) == 2

    def bounds(self) -> tuple[float, ...]:
        if self.are_points:
            corners = np.concatenate((self.shapes.min(axis=0), self.shapes.max(axis=0)))
            return tuple(float(value) for value in corners)
        return tuple(float(value) for value in shapely.total_bounds(list(self.shapes)))

    def blobs(self) -> Iterable[bytes]:
        return point_blobs(self.shapes) if self.are_points else map(blob, self.shapes)


def write_geopackage(path: Path, layers: Sequence[Layer]) -> None:
    """Write the layers, in EPSG:27700; a file that is there is replaced."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as book:
        book.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        book.execute(f"PRAGMA user_version = {VERSION}")
        book.execute("PRAGMA journal_mode = MEMORY")
        book.execute("PRAGMA synchronous = OFF")
        book.executescript(f"BEGIN; {TABLES} COMMIT;")
        book.execute("BEGIN")
        book.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)", SYSTEMS)
        for layer in layers:
            write_layer(book, layer)
        book.execute("COMMIT")
        book.execute("VACUUM")


def write_layer(book: sqlite3.Connection, layer: Layer) -> None:
    """One table of features and its entries in the tables of contents."""
    columns = "".join(f", {name} {kind}" for name, kind in layer.columns)
    book.execute(
        f"CREATE TABLE {layer.name} (fid INTEGER PRIMARY KEY NOT NULL, geom {layer.kind}{columns})"
    )
    book.execute(
        "INSERT INTO gpkg_contents VALUES (?,'features',?,?,?,?,?,?,?,?)",
        (layer.name, layer.name, layer.title, CHANGED, *layer.bounds(), GRID),
    )
    book.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?,'geom',?,?,0,0)",
        (layer.name, layer.kind, GRID),
    )
    marks = ",".join("?" * (2 + len(layer.columns)))
    pairs = zip(layer.blobs(), layer.rows, strict=True)
    book.executemany(
        f"INSERT INTO {layer.name} VALUES ({marks})",  # noqa: S608 - names and marks are our own
        ((fid, shape, *row) for fid, (shape, row) in enumerate(pairs, start=1)),
    )


def blob(shape: Any) -> bytes:
    """The standard's header with an envelope (west, east, south, north), then well-known binary."""
    west, south, east, north = shape.bounds
    head = struct.pack("<2sBBi", b"GP", 0, LITTLE_ENDIAN | WITH_ENVELOPE, GRID)
    envelope = struct.pack("<4d", west, east, south, north)
    return head + envelope + bytes(shapely.to_wkb(shape, byte_order=1))


def point_blobs(points: np.ndarray) -> Iterable[bytes]:
    """Points need no envelope; all are written at once, for there are hundreds of thousands."""
    layout = [("head", "S8"), ("order", "u1"), ("kind", "<u4"), ("xy", "<f8", 2)]
    rows = np.zeros(len(points), dtype=np.dtype(layout))
    rows["head"] = struct.pack("<2sBBi", b"GP", 0, LITTLE_ENDIAN, GRID)
    rows["order"], rows["kind"], rows["xy"] = 1, 1, points
    whole, size = rows.tobytes(), rows.dtype.itemsize
    return (whole[i : i + size] for i in range(0, len(whole), size))
