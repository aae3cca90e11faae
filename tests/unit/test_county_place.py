"""The place holds together: quotas are exact, shapes nest, points lie where their records say."""

import hashlib
import json
import re
import sqlite3
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from commonthread.county.addresses import CARE_HOME, FLAT, dwellings_of
from commonthread.county.figures import figures, quota
from commonthread.county.geography import divide
from commonthread.county.grid import grid_to_airy, grid_to_wgs84
from commonthread.county.maps import map_svg, write_place
from commonthread.county.place import Place, make_place
from commonthread.county.settings import Settings

SETTINGS = Settings(residents=20_000, seed=1)
TOWER, FARM, CARE = 1, 2, 3
# Royal Mail's form: area, district, space, sector, unit.
POSTCODE = re.compile(r"WX([1-9][0-9]?) [0-9][ABD-HJLNP-UW-Z]{2}")


@pytest.fixture(scope="module")
def place() -> Place:
    return make_place(SETTINGS, figures())


@pytest.fixture(scope="module")
def folder(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    write_place(place, folder)
    return folder


@pytest.fixture(scope="module", params=[2, 3, 4])
def other(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Places of other seeds, in which the rules hold as well."""
    yield make_place(Settings(residents=12_000, seed=request.param), figures())


def districts_of(place: Place) -> np.ndarray:
    return np.array([area.district for area in place.areas])[place.addresses.area]


def test_there_are_as_many_small_areas_as_the_residents_need(place: Place) -> None:
    assert len(place.areas) == 36
    assert len(make_place(Settings(residents=80_000), figures()).areas) == 50


def test_dwellings_of_each_kind_meet_each_districts_quota(place: Place) -> None:
    homes, district = place.addresses, districts_of(place)
    totals = dwellings_of(SETTINGS, figures())
    for i, total in enumerate(totals):
        counts = np.bincount(homes.kind[district == i], minlength=8)[:CARE_HOME]
        assert counts.tolist() == quota(int(total), figures().dwellings[i]).tolist()


def test_deciles_meet_each_districts_quota(place: Place) -> None:
    for i, shares in enumerate(figures().deciles):
        deciles = [area.decile for area in place.areas if area.district == i]
        counts = np.bincount(deciles, minlength=11)[1:]
        assert counts.tolist() == quota(len(deciles), shares).tolist()


def test_wards_group_a_few_neighbouring_areas_of_one_district(place: Place) -> None:
    sizes = Counter(area.ward for area in place.areas)
    # A district of five areas cannot be cut into wards of three or four.
    assert set(sizes.values()) <= {3, 4, 5}
    assert all(place.wards[area.ward].district == area.district for area in place.areas)


def check_nesting(place: Place) -> None:
    polygons = [area.polygon for area in place.areas]
    assert shapely.coverage_is_valid(polygons)
    for number, ward in enumerate(place.wards):
        own = [area.polygon for area in place.areas if area.ward == number]
        assert shapely.unary_union(own).equals(ward.polygon)
        assert ward.polygon.geom_type == "Polygon"
    for number, district in enumerate(place.districts):
        own = [ward.polygon for ward in place.wards if ward.district == number]
        assert shapely.unary_union(own).equals(district.polygon)
        assert district.polygon.geom_type == "Polygon"
        assert district.polygon.contains(shapely.Point(district.town))
    assert shapely.unary_union(polygons).equals(place.boundary)
    assert sum(p.area for p in polygons) == pytest.approx(place.boundary.area)


def check_points(place: Place) -> None:
    homes = place.addresses
    for number, area in enumerate(place.areas):
        own = homes.area == number
        assert own.any()
        assert shapely.contains_xy(area.polygon, homes.easting[own], homes.northing[own]).all()


def check_floods(place: Place) -> None:
    homes = place.addresses
    outer, inner = (
        shapely.contains_xy(place.zones[zone], homes.easting, homes.northing) for zone in "23"
    )
    assert homes.flood.tolist() == np.where(inner, 3, np.where(outer, 2, 0)).tolist()
    # Both are rounded to whole metres, each on its own.
    assert place.zones["2"].buffer(2).covers(place.zones["3"])
    assert place.flood_plain.equals(place.zones["2"])
    assert 0 < (homes.flood > 0).mean() < 0.2


def check_postcodes(place: Place) -> None:
    homes = place.addresses
    assert all(POSTCODE.fullmatch(code) for code in homes.postcode)
    assert len(set(zip(homes.postcode, homes.street, strict=True))) == len(set(homes.postcode))
    assert len(set(homes.postcode)) == len(homes.streets)
    assert len(set(zip(homes.postcode, homes.line1, strict=True))) == len(homes)


def test_divisions_nest_and_cover_without_overlap(place: Place) -> None:
    check_nesting(place)


def test_points_lie_in_their_areas(place: Place) -> None:
    check_points(place)


def test_flood_zones_of_addresses_agree_with_the_polygons(place: Place) -> None:
    check_floods(place)


def test_postcodes_have_the_uk_form_and_one_street_each(place: Place) -> None:
    check_postcodes(place)


def test_other_seeds_hold_together(other: Place) -> None:
    check_nesting(other)
    check_points(other)
    check_floods(other)
    check_postcodes(other)


@pytest.mark.long
def test_a_large_county_holds_together() -> None:
    large = make_place(Settings(residents=600_000, seed=1), figures())
    assert len(large.areas) == 375
    check_nesting(large)
    check_points(large)
    check_floods(large)
    check_postcodes(large)


@pytest.mark.parametrize("millions", [1, 3, 5])
def test_towns_of_millions_leave_room_for_the_country(millions: int) -> None:
    """A county keeps its size: with millions its towns would cover their districts and overlap."""
    divisions = divide(Settings(residents=millions * 1_000_000), figures())
    for district, reach in zip(divisions.districts, divisions.reach, strict=True):
        assert np.pi * reach**2 < 0.5 * district.polygon.area
    assert len({area.heart for area in divisions.areas}) == len(divisions.areas) == 400
    assert {area.urban for area in divisions.areas} == {True, False}


def test_streets_have_8_to_30_dwellings_and_towers_36_to_60(place: Place) -> None:
    homes = place.addresses
    dwellings = homes.kind != CARE_HOME
    sizes = np.bincount(homes.street[dwellings])
    towers = np.unique(homes.street[homes.building == TOWER])
    assert len(towers)
    assert ((sizes[towers] >= 36) & (sizes[towers] <= 60)).all()
    streets = np.delete(sizes, towers)
    assert ((streets >= 8) & (streets <= 30)).all()


def test_a_tower_is_one_point_and_all_flats(place: Place) -> None:
    homes = place.addresses
    for street in np.unique(homes.street[homes.building == TOWER]):
        own = homes.street == street
        assert len(set(zip(homes.easting[own], homes.northing[own], strict=True))) == 1
        assert (homes.kind[own] == FLAT).all()


def test_care_homes_are_in_towns_and_have_beds(place: Place) -> None:
    homes = place.addresses
    care = homes.kind == CARE_HOME
    assert care.sum() == 2
    assert (homes.building[care] == CARE).all()
    assert all(place.areas[area].urban for area in homes.area[care])
    assert ((homes.beds[care] >= 40) & (homes.beds[care] <= 70)).all()
    assert not homes.beds[~care].any()


def test_farms_are_detached_and_in_the_country(place: Place) -> None:
    homes = place.addresses
    urban = np.array([area.urban for area in place.areas])[homes.area]
    farms = homes.building == FARM
    assert farms.sum() == round(int((~urban & (homes.kind == 0)).sum()) / 12)
    assert not (urban & farms).any()
    assert (homes.kind[farms] == 0).all()


def test_property_numbers_count_up_and_have_twelve_digits(place: Place) -> None:
    uprn = place.addresses.uprn
    assert uprn[0] == 990_000_000_000
    assert (np.diff(uprn) == 1).all()


def test_the_river_runs_through_the_main_town(place: Place) -> None:
    town = next(d for d in place.districts if d.name == "Saltbridge").town
    assert place.river.distance(shapely.Point(town)) < 1_000
    assert place.river.is_simple
    assert place.boundary.buffer(2).contains(place.river)
    assert place.flood_plain.buffer(2).contains(place.river)


def test_roads_join_all_towns_and_villages(place: Place) -> None:
    network = shapely.union_all([road.line for road in place.roads]).buffer(20)
    parts = shapely.get_parts(network)
    whole = parts[shapely.area(parts).argmax()]
    stops = [*(d.town for d in place.districts), *(v.place for v in place.villages)]
    assert all(whole.contains(shapely.Point(stop)) for stop in stops)


def test_roads_and_paths_stay_in_the_county(place: Place) -> None:
    near = place.boundary.buffer(4)
    assert all(near.contains(way.line) for way in (*place.roads, *place.paths))
    assert len({path.code for path in place.paths}) == len(place.paths)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_place(make_place(SETTINGS, figures()), tmp_path)
    assert digests(tmp_path) == digests(folder)


def test_another_seed_gives_another_place(place: Place) -> None:
    assert not make_place(replace(SETTINGS, seed=2), figures()).boundary.equals(place.boundary)


def test_the_geopackage_is_one(place: Place, folder: Path) -> None:
    path = folder / "county.gpkg"
    with closing(sqlite3.connect(path)) as book:
        assert book.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        assert book.execute("PRAGMA user_version").fetchone() == (10300,)
        assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not book.execute("PRAGMA foreign_key_check").fetchall()
        systems = {row[0] for row in book.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        assert systems == {-1, 0, 4326, 27700}
        kinds = dict(
            book.execute("SELECT table_name, geometry_type_name FROM gpkg_geometry_columns")
        )
        counts = {name: len(book.execute(f"SELECT fid FROM {name}").fetchall()) for name in kinds}
    assert kinds["addresses"] == "POINT"
    assert kinds["small_areas"] == "POLYGON"
    assert kinds["river"] == "LINESTRING"
    assert counts["addresses"] == len(place.addresses)
    assert counts["districts"] == 6


def test_geometries_of_the_geopackage_read_back(place: Place, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "county.gpkg")) as book:
        areas = book.execute("SELECT geom FROM small_areas ORDER BY fid").fetchall()
        points = book.execute("SELECT geom FROM addresses ORDER BY fid").fetchall()
    # Magic, version, flags, reference system; polygons have an envelope of four numbers.
    assert {blob[:8] for (blob,) in points} == {b"GP\x00\x01" + (27700).to_bytes(4, "little")}
    assert areas[0][0][:4] == b"GP\x00\x03"
    for (blob,), area in zip(areas, place.areas, strict=True):
        assert shapely.from_wkb(blob[40:]).equals(area.polygon)
    found = shapely.get_coordinates(shapely.from_wkb([blob[8:] for (blob,) in points]))
    assert found[:, 0].tolist() == place.addresses.easting.tolist()
    assert found[:, 1].tolist() == place.addresses.northing.tolist()


@pytest.mark.parametrize(
    "name", ["districts", "wards", "small_areas", "river", "flood_zones", "roads", "paths"]
)
def test_geojson_is_longitude_and_latitude_with_anticlockwise_rings(
    folder: Path, name: str
) -> None:
    said = json.loads((folder / f"{name}.geojson").read_text(encoding="utf-8"))
    assert said["type"] == "FeatureCollection"
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in said["features"]]
    west, south, east, north = shapely.total_bounds(shapes)
    assert -2.6 < west < east < -1.6
    assert 51.8 < south < north < 52.5
    assert all(s.exterior.is_ccw for s in shapes if s.geom_type == "Polygon")


def test_the_guides_point_comes_out_on_the_airy_ellipsoid() -> None:
    longitude, latitude = grid_to_airy(np.array([[651_409.903, 313_177.270]]))
    assert np.degrees(latitude[0]) == pytest.approx(52 + 39 / 60 + 27.2531 / 3600, abs=1e-8)
    assert np.degrees(longitude[0]) == pytest.approx(1 + 43 / 60 + 4.5177 / 3600, abs=1e-8)


# Ordnance Survey's test points for OSTN15: grid, then longitude and latitude on WGS 84 (ETRS89).
@pytest.mark.parametrize(
    ("easting", "northing", "longitude", "latitude"),
    [
        (362_269.991, 169_978.690, -2.54407618349, 51.42754743020),
        (292_184.870, 168_003.465, -3.55128349240, 51.40078220140),
        (331_534.564, 431_920.794, -3.04045490691, 53.77911025760),
        (449_816.371, 75_335.861, -1.29782277240, 50.57563665000),
    ],
)
def test_the_grid_becomes_wgs84_within_five_metres(
    easting: float, northing: float, longitude: float, latitude: float
) -> None:
    found = grid_to_wgs84(np.array([[easting, northing]]))[0]
    east = (found[0] - longitude) * 111_320 * np.cos(np.radians(latitude))
    north = (found[1] - latitude) * 111_200
    assert np.hypot(east, north) < 5


def test_the_map_says_in_words_what_it_shows(place: Place) -> None:
    drawn = ElementTree.fromstring(map_svg(place))  # noqa: S314 - our own picture
    space = "{http://www.w3.org/2000/svg}"
    labels = (drawn.get("aria-labelledby") or "").split()
    by_id = {element.get("id"): element.text for element in drawn.iter() if element.get("id")}
    assert drawn.get("role") == "img"
    assert all(by_id[label] for label in labels)
    assert drawn.find(f"{space}title") is not None
    texts = [element.text for element in drawn.iter(f"{space}text")]
    assert all(district.name in texts for district in place.districts)
    # A page with a strict content security policy takes no style of ours.
    assert not [e for e in drawn.iter() if e.get("style") or e.tag == f"{space}style"]
