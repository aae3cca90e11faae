"""Words that the county's names are made of. Chosen for this project; no list was copied."""


def split(text: str, mark: str | None = None) -> list[str]:
    return text.split(mark)


VILLAGE_STARTS = split(
    "Alder Apple Bar Beck Bram Bris Cal Chad Clee Cop Crow Dane Dod Dray Eld Elm Ferns Flad Gor "
    "Had Hart Hazel Holl Huns Ing Kem Kins Led Lul Mar Mith Nash Ockel Ot Ped Pir Quin Ram Ros "
    "Sed Shel Stan Stoul Tad Tib Ul Wad Wel Whit Wick Wol Yar"
)
VILLAGE_ENDS = split(
    "bourne bury combe cote den don field ford grove ham hurst ington ley low mere ney over "
    "rush stead stock stone ton wardine well wick worth"
)
VILLAGE_FORMS = (
    ("{}", 0.70),
    ("Upper {}", 0.06),
    ("Lower {}", 0.06),
    ("Great {}", 0.05),
    ("Little {}", 0.05),
    ("{} Green", 0.04),
    ("{} St Mary", 0.02),
    ("{} Cross", 0.02),
)

STREET_STEMS = split(
    "Abbey Acorn Albany Alder Alma Ambrose Anchor Apple Arrow Ash Aspen Badger Barley Barn Bath "
    "Beacon Beech Bell Birch Bishop Blackthorn Blossom Bowling Bracken Bramble Brewery Briar "
    "Bridge Broad Brook Bunting Canal Canon Castle Cedar Chantry Chapel Cherry Chestnut Church "
    "Clarence Clover Coach Cobbler Cooper Coppice Corn Cricket Crown Cuckoo Curlew Damson Dean "
    "Deer Dove Drover Elder Elm Factory Fair Falcon Farrier Fern Ferry Field Finch Fir Forge "
    "Foundry Fountain Fox Friar Garrison Glebe Glover Gorse Grange Granary Green Hawthorn Hazel "
    "Heath Heron Hillside Holly Hop Hopyard Hornbeam Hunter Hyacinth Ivy Jubilee Juniper Kestrel "
    "King Kiln Laburnum Lammas Larch Lark Laurel Lavender Lilac Lime Linden Linnet London Long "
    "Loom Magnolia Malt Manor Maple Market Mason Meadow Medlar Mill Minster Moor Mulberry Needle "
    "New North Nursery Oak Old Orchard Osier Otter Paddock Park Partridge Pear Perry Pheasant "
    "Pinfold Plough Poplar Pound Priory Prospect Quarry Queen Quince Rectory Reed Ridge River "
    "Robin Rope Rose Rowan Rush Rye Saddler Salt School Sorrel South Spinney Spring Station "
    "Stone Sunny Swan Swift Sycamore Tanner Teasel Temple Thatch Thistle Thorn Tithe Tower "
    "Tudor Vicarage Victoria Vine Violet Wagon Walnut Warren Water Weaver Weir Well West Wharf "
    "Wheat Willow Windmill Winter Wood Wren Yew"
)
TOWN_STREETS = split(
    "Road Street Avenue Close Drive Crescent Way Gardens Terrace Place Walk Grove Court View"
)
COUNTRY_STREETS = split("Lane Hill Green Bank End Row")
STREET_FORMS = ("{}", "Upper {}", "Lower {}", "East {}", "West {}", "Little {}")

# Compass and feature words that mark out the wards of a district.
WARD_WORDS = split(
    "Central, St Wulfric, Northgate, Eastfield, Southbank, Westhill, Abbey, Canal, Fairmead, "
    "Gorse Hill, Holywell, Ironbridge Road, Kingsmead, Lychgate, Minster, Nunnery, Old Town, "
    "Priory, Quarry Hill, Riverside, St Eadburga, Tolladine End, Union Street, Vines, Warren, "
    "Woodlands, Yew Tree, Bishopsmead, Castle, Drovers",
    ", ",
)

BLOCKS = split(
    "Arrow Avon Bredon Clee Clent Corve Dowles Isbourne Kyre Laughern Leadon Lickey Ledwyche Rea "
    "Salwarpe Severn Stour Teme Wyre Abberley"
)
COURTS = split("Orchard Priory Weavers Lakeside Minster Granary Chandlers Glovers Abbots Regency")
FARMS = split(
    "Hill Manor Church Lower Upper Brook Grange Home Court Moat Hop Pool Wood Heath Elms Bank Yew "
    "Pear Ridge Park Barn Marsh Warren Spring Ley Oaks Perry Croft Hollow Beacon Withy Dingle"
)
COTTAGES = split(
    "Rose Cottage, The Old Forge, Orchard House, Ivy Cottage, The Barn, Brook Cottage, The Elms, "
    "Holly House, Mill House, The Coach House, Yew Tree Cottage, The Croft, Fern Bank, Hillcrest, "
    "The Granary, Pear Tree House, The Old School, Meadow View, Wren Cottage, The Laurels, "
    "Lilac Cottage, The Stables, Woodside, The Old Rectory, Kiln House, The Hollies, Apple Barn, "
    "Greenacre, Swallows Nest, The Gables, Springfield, Damson Cottage",
    ", ",
)
HOMES = split(
    "The Limes, Orchard Court, Beech Lodge, The Hollies, Riverside House, St Anne's, Cedar Grange, "
    "The Laurels, Ashdown, Fairhaven, Rowan House, The Old Vicarage, Oakleigh, Bramley House, "
    "Willowbank, Springmead, Heathfield, Lavender Lodge, Meadowcroft, Hawthorn Manor",
    ", ",
)
