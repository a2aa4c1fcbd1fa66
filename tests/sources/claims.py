"""Sources in English and Chinese, true claims about them in other words, and false ones."""

from __future__ import annotations

from lwtui.sources.model import Passage, Source
from tests.sources.made import source

_TEXTS = {
    ("harbor2011", "Lindqvist", 2011, "The harbor of Aldermoor"): (
        "The harbor of Aldermoor was dug between 1834 and 1841 by the engineer Thomas Wickham. He employed 1,200 "
        "laborers, most of them from Cornwall, and spent 86,000 pounds, nearly twice what the council had granted. The "
        "first ship to enter was the brig Constance, on 14 May 1841, with a cargo of slate from Penrhyn.",
        "Trade grew quickly. In 1850 the harbor handled 48,000 tons of goods, and by 1870 it handled 310,000 tons, of "
        "which coal made up 62 percent. Duties paid for a second basin, which Eliza Hartnell designed. Local people "
        "called it “the widow's dock”, because she had taken over the firm of her late husband.",
        "The storm of 3 November 1878 broke the western mole and sank eleven ships. Repairs took four years. The "
        "Board of Trade sent Captain Rupert Ansell, who wrote that the mole had been built “on sand and on hope”. He "
        "asked for 15,000 blocks of granite from Dalbeattie.",
    ),
    ("mills1998", "Okafor", 1998, "Paper mills of the Tarn valley"): (
        "The Tarn valley had nineteen paper mills in 1790 and only five in 1860. The largest belonged to the Moreau "
        "family, who made 2.4 million sheets a year. Their watermark, a heron, is found in letters by Napoleon and in "
        "the registers of the Bank of Lyon.",
        "Rags were the raw material. A mill of middling size used 140 tons of rags a year, which dealers brought from "
        "Toulouse and Barcelona. When cotton grew dear in 1862, Antoine Moreau tried straw, and lost 30,000 francs. "
        "His nephew Jules bought a machine from Bryan Donkin in London, which doubled the output within three years.",
        "Working days lasted thirteen hours. Women, who sorted the rags, earned 0.90 francs, a third of a man's wage. "
        "In August 1869 they stopped work for nine days at the mill of Saint-Juéry and won a quarter of an hour for "
        "their meal.",
    ),
    ("bees2017", "Tanaka", 2017, "Bees of the high meadows"): (
        "Between 2009 and 2016 we counted wild bees on 36 meadows in the Ötztal Alps, between 1,400 and 2,300 meters "
        "above the sea. We found 127 species, eleven of them new to Tyrol. Bumblebees made up 41 percent of all visits "
        "to flowers, and solitary bees of the genus Andrena 23 percent.",
        "On meadows that were mown twice a year, the number of species fell by 38 percent within five years. Where "
        "farmers waited until after 20 July, as the program of Maria Egger suggests, it rose by 12 percent. Manure had "
        "no effect that we could measure.",
        "The rarest species, Bombus alpinus, was seen on two meadows near Obergurgl alone. Its queens fly when the "
        "air has only 6 degrees. The climate model of the University of Innsbruck lets its habitat shrink to 340 "
        "hectares by 2060.",
    ),
    ("cha2008", "陈", 2008, "武夷山茶史"): (
        "武夷山的茶园在1717年已有二百三十处，每年产茶十二万斤。知县陆廷灿著有《续茶经》，记载了做青的方法。山中寺院共有七十二座，其中天心寺的茶最有名。",
        "1856年，英国植物学家福琼从武夷山带走两万株茶苗，运往印度大吉岭。当地茶商林长盛说，这是“断了我们的饭碗”。到1880年，福建的茶叶出口下降了百分之三十五。",
        "民国二十七年，茶叶专家吴觉农在崇安建立示范茶厂，有工人一百八十名。他从日本买来九台揉捻机。1941年工厂的产量达到三千担。",
    ),
    ("qiao2015", "王", 2015, "洛河古桥"): (
        "洛河上的石桥建于隋代大业元年，由工匠李春之徒张远主持，用石料4,600块，历时七年。桥长128米，宽9.6米，有十三个桥孔。",
        "明朝万历十五年的洪水冲毁了四个桥孔，死者三百余人。知府刘文辉捐银五千两重修。修桥的石碑至今立在白马寺东侧。",
        "1937年，建筑学家梁思成来此测量，绘图二十一张。他在信中写道：“此桥之精，不在赵州之下。”2003年，文物局投入1.2亿元加固桥基。",
    ),
}

SOURCES: list[Source] = [source(*record) for record in _TEXTS]
PASSAGES: dict[str, tuple[Passage, ...]] = {
    record[0]: tuple(
        Passage(1_000 * place + number, record[0], number, text, number) for number, text in enumerate(texts, 1)
    )
    for place, (record, texts) in enumerate(_TEXTS.items())
}

TRUE = [
    "Thomas Wickham dug the harbor of Aldermoor from 1834 to 1841 [@harbor2011].",
    "The work cost £86,000, almost double the grant of the council, and took twelve hundred men [@harbor2011, p. 1].",
    "On 14 May 1841, the Constance came in with Penrhyn slate [@harbor2011].",
    "Most of Wickham's workers were Cornish, or at least came from Cornwall [@harbor2011].",
    "Within twenty years the harbor's traffic rose from 48,000 to 310,000 tons [@harbor2011, p. 2].",
    "Coal was 62% of that in 1870 [@harbor2011].",
    "The second basin was the work of Eliza Hartnell, and people spoke of “the widow's dock” [@harbor2011].",
    "Eleven ships went down when the western mole gave way on November 3, 1878 [@harbor2011, p. 3].",
    "Captain Ansell found that it stood “on sand and on hope”, and wanted 15,000 granite blocks [@harbor2011].",
    "Lindqvist describes how slowly the mole was repaired: it took four years [@harbor2011].",
    "Of 19 mills in 1790, five were left seven decades later, in 1860 [@mills1998].",
    "The Moreau mill turned out 2,400,000 sheets each year, with a heron as its watermark [@mills1998, p. 1].",
    "Letters by Napoleon are on their paper, and so are the registers of the Bank of Lyon [@mills1998].",
    "Some 140 tons of rags went into a middling mill every year, from Toulouse and from Barcelona [@mills1998].",
    "Antoine Moreau lost 30,000 francs on straw after cotton had become expensive in 1862 [@mills1998].",
    "A machine by Bryan Donkin, bought by his nephew Jules, doubled output in three years [@mills1998, p. 2].",
    "Women earned 0.90 francs for thirteen hours of sorting rags [@mills1998].",
    "At Saint-Juéry they struck for nine days in August 1869 [@mills1998].",
    "From 2009 to 2016, wild bees were counted on 36 meadows of the Ötztal Alps [@bees2017].",
    "The count came to 127 species, 11 of which Tyrol had not known [@bees2017, p. 1].",
    "Bumblebees made 41 % of the visits and Andrena bees 23 % [@bees2017].",
    "Mowing twice cost 38 percent of the species in five years; waiting until 20 July brought 12 percent more "
    "[@bees2017].",
    "Maria Egger's program lets farmers mow late [@bees2017].",
    "Queens of Bombus alpinus already fly at six degrees, around Obergurgl [@bees2017, p. 3].",
    "By 2060, the model from Innsbruck leaves the species 340 hectares [@bees2017].",
    "Manure made no measurable difference to the bees on these meadows [@bees2017].",
    "Both the harbor, with 310,000 tons in 1870, and the valley, with five mills in 1860, had changed "
    "[@harbor2011; @mills1998].",
    "1717年，武夷山有230处茶园，年产茶12万斤[@cha2008]。",
    "陆廷灿在《续茶经》里写到了做青[@cha2008, p. 1]。",
    "山里有72座寺院，以天心寺的茶最为有名[@cha2008]。",
    "福琼在1856年把20,000株茶苗运到了大吉岭[@cha2008]。",
    "茶商林长盛抱怨说这“断了我们的饭碗”[@cha2008, p. 2]。",
    "到1880年，福建出口的茶叶少了35%[@cha2008]。",
    "吴觉农在崇安办的茶厂有180名工人，还有从日本买的9台揉捻机[@cha2008]。",
    "一九四一年，工厂产量为3000担[@cha2008]。",
    "石桥长一百二十八米，有13个桥孔[@qiao2015]。",
    "张远用4600块石料，花了七年时间[@qiao2015, p. 1]。",
    "万历十五年的洪水冲毁四个桥孔，刘文辉为重修捐了5000两银子[@qiao2015]。",
    "梁思成1937年来测量石桥，画了21张图[@qiao2015]。",
    "2003年的加固工程花了120000000元[@qiao2015]。",
]

FALSE = [
    # another figure
    "Thomas Wickham dug the harbor of Aldermoor from 1834 to 1847 [@harbor2011].",
    "The work took 1,300 laborers, most of them from Cornwall [@harbor2011].",
    "The harbor cost 68,000 pounds, nearly twice the grant [@harbor2011, p. 1].",
    "In 1870, coal made up 26 percent of the goods [@harbor2011].",
    "The storm of 3 December 1878 broke the western mole [@harbor2011].",
    "The storm of 1878 sank twelve ships in the harbor [@harbor2011, p. 3].",
    "The Moreau family made 2.4 billion sheets a year [@mills1998].",
    "A mill used about 240 tons of rags a year [@mills1998].",
    "Antoine Moreau tried straw, and lost 13,000 francs [@mills1998].",
    "In August 1869 the women stopped work for ten days [@mills1998].",
    "On meadows mown twice, the number of species fell by 83 percent [@bees2017].",
    "The bees of 63 meadows were counted [@bees2017, p. 1].",
    "The habitat will shrink to 340 hectares by 2050 [@bees2017].",
    "1717年，武夷山有三百二十处茶园[@cha2008]。",
    "福琼从武夷山带走三万株茶苗[@cha2008]。",
    "到1880年，福建的茶叶出口下降了百分之五十三[@cha2008]。",
    "桥长182米，宽9.6米[@qiao2015]。",
    "洪水冲毁了五个桥孔，死者三百余人[@qiao2015]。",
    # another name
    "The engineer Thomas Wickfield dug the harbor [@harbor2011].",
    "The first ship to enter was the brig Clarence, in 1841 [@harbor2011].",
    "The second basin was designed by Eliza Barton [@harbor2011].",
    "Hartnell wrote that the mole had been built “on sand and on lies” [@harbor2011].",
    "Granite came from Aberdeen [@harbor2011, p. 3].",
    "Dealers brought the rags from Toulouse and Madrid [@mills1998].",
    "Pierre Moreau tried straw when cotton grew dear in 1862 [@mills1998].",
    "His nephew bought a machine from Bryan Perkin in London [@mills1998].",
    "Farmers who follow the program of Maria Huber wait until after 20 July [@bees2017].",
    "The climate model of the University of Salzburg lets its habitat shrink [@bees2017].",
    "知县李廷灿著有《续茶经》，记载了做青的方法[@cha2008]。",
    "英国植物学家福琼把茶苗运往印度阿萨姆[@cha2008]。",
    "茶叶专家陈椽在崇安建立示范茶厂[@cha2008]。",
    "建筑学家刘敦桢来此测量，绘图二十一张[@qiao2015]。",
    # another source
    "The first ship to enter the harbor was the brig Constance [@mills1998].",
    "Bumblebees made up 41 percent of all visits to flowers [@harbor2011].",
    "The largest mill belonged to the Moreau family [@bees2017].",
    "梁思成来此测量，绘图二十一张[@cha2008]。",
    "武夷山的茶园在1717年已有二百三十处[@qiao2015]。",
    # no source at all
    "The harbor of Aldermoor was dug by Wickham [@harbour1999].",
    "Bees visit flowers [@mueller2020, p. 4].",
    "山中寺院共有七十二座[@wuyi1990]。",
]
