"""Finds names in Chinese sentences that take the place of others: without capitals, only the comparison shows them."""

from __future__ import annotations

from difflib import SequenceMatcher

import regex

_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳鲍史唐"
    "费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝"
    "董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫经房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉"
    "龚程嵇邢裴陆荣翁荀羊甄曲封芮储靳汲邴糜松段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘厉戎祖武符刘景詹束龙叶幸司"
    "韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍桑桂濮牛寿通边扈燕冀郏浦尚农温别庄"
    "晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧趙錢孫鄭馮陳衛蔣韓楊許呂張嚴華陶謝鄒喻蘇魯韋馬"
    "鳳俞費湯羅畢樂傅齊顧黃蕭貝計戴談龐熊紀項藍閔賈婁顏鍾駱盧莫單諸龔陸榮儲劉葉龍喬陰聞黨譚貢勞歐"
)
_PLACE_ENDS = (
    "省市县區区镇乡村州府城郡国國山河江湖海岛島寺宫宮殿塔桥橋港湾灣路街洲省部局院校社馆館厂廠司学學岭嶺峰谷川津"
)
_SOUNDS = "斯尔爾德克特拉里尼亚亞巴布达達弗格哈霍基卡科莱萊洛玛瑪曼米诺諾普塞森索塔托沃维維西伊约約兹茲伦倫伯丹"
_LIKE_A_NAME = regex.compile(
    rf"[{_SURNAMES}]\p{{Han}}{{1,2}}|\p{{Han}}{{1,5}}[{_PLACE_ENDS}]|[{_SOUNDS}·\p{{Han}}]*(?:[{_SOUNDS}][{_SOUNDS}·]+)"
)
_HAN = regex.compile(r"[\p{Han}·]+")
_LONGEST = 8  # characters of a name
_NUMERALS = regex.compile(r"[零〇一二两兩三四五六七八九十百千万萬亿億年月日点%％]+")


def replaced_names(claim: str, original: str) -> list[str]:
    """Return the names in a Chinese sentence that stand where another sentence has something else.

    Args:
        claim: The sentence.
        original: The sentence that it was probably made from.
    """
    if not _HAN.search(claim) or not _HAN.search(original):
        return []
    found = []
    for change, start, end, other_start, other_end in SequenceMatcher(None, claim, original, False).get_opcodes():
        if change != "replace":
            continue
        # Two names may share a character: 张伟 and 张强, 浙江 and 浙东.
        name = _widened(claim, start, end, original, other_start, other_end)
        if name and name not in original:
            found.append(name)
    return found


def _widened(claim: str, start: int, end: int, original: str, other_start: int, other_end: int) -> str:
    """Return the name around a change, if either side has one there."""
    new, old = claim[start:end], original[other_start:other_end]
    if not _HAN.fullmatch(new) or not _HAN.fullmatch(old) or max(len(new), len(old)) > _LONGEST:
        return ""
    if _NUMERALS.fullmatch(new) or _NUMERALS.fullmatch(old):
        return ""
    for more in (0, 1, 2):  # characters before the change that belong to the name
        before = claim[max(0, start - more) : start]
        if not original[:other_start].endswith(before):
            break
        for after in (2, 1, 0):
            behind = claim[end : end + after]
            if not original[other_end:].startswith(behind):
                continue
            sides = [_LIKE_A_NAME.fullmatch(f"{before}{side}{behind}") for side in (new, old)]
            # One character may as well be another word: 方法 and 办法.
            if len(before + new + behind) > 1 and (all(sides) or (any(sides) and len(new) > 1)):
                return f"{before}{new}{behind}"
    return ""
