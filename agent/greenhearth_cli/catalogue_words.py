"""Chinese words of the trade, so that the catalogue can be searched in either language."""

WORDS = {
    "水泥": "cement", "熟料": "clinker", "石灰": "lime", "平板玻璃": "glass", "玻璃": "glass",
    "砖": "brick", "粗钢": "steel", "钢": "steel", "铁水": "hot metal", "焦炭": "coke", "焦化": "cok",
    "烧结": "sinter", "高炉": "blast furnace", "转炉": "converter", "电炉": "eaf", "电弧炉": "eaf",
    "直接还原": "dri", "铁合金": "ferro", "废钢": "scrap", "电解铝": "aluminium", "铝": "alumin",
    "氧化铝": "alumina", "铜": "copper", "锌": "zinc", "阳极效应": "anode effect", "阳极": "anode",
    "氢": "hydrogen", "合成氨": "ammonia", "甲醇": "methanol", "乙烯": "ethylene", "烧碱": "caustic",
    "炼油": "refin", "天然气": "natural gas", "原煤": "raw coal", "无烟煤": "anthracite",
    "烟煤": "bituminous", "褐煤": "lignite", "柴油": "diesel", "汽油": "gasoline", "燃料油": "fuel oil",
    "液化石油气": "lpg", "焦炉煤气": "coke oven gas", "高炉煤气": "blast furnace gas", "电网": "grid",
    "电力": "electricity", "标准煤": "coal equivalent", "碳酸盐": "carbonate", "增温潜势": "gwp",
    "标杆": "benchmark", "基准": "baseline", "限额": "level", "全国": "national",
}  # fmt: skip
"""What is written -> the word (or its beginning) that stands in ids, titles and sources."""


def in_english(text: str) -> str:
    """Return a search with every known Chinese word in English; longer words first."""
    for word in sorted(WORDS, key=len, reverse=True):
        text = text.replace(word, f" {WORDS[word]} ")
    return text
