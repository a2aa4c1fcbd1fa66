"""Sentences of many languages, with what makes their ends hard to find. ``@`` stands for each of five names."""

from __future__ import annotations

# Language: five names, and ten sentences.
TABLE: dict[str, tuple[str, str]] = {
    "en": (
        "Smith|Miller|O'Brien|Jones|Baker",
        """Dr. @ left the house at 5 p.m. and never came back.
According to @ et al. (2019), the bread rises faster, e.g. in warm kitchens.
“Is it ready?” asked Mrs. @ from the garden, i.e. from behind the roses.
J. R. R. @ paid approx. 3.50 euros for No. 7.
The U.S. Army sent Lt. Col. @ to St. Petersburg.
See Fig. 3 on p. 14 of @ vs. Brown for more.
@ waited… and waited... until the boat came!
He met @ (cf. Prof. Green) on example.org, ver. 2.1.
Mr. @ Jr. works for a company etc. in Mt. Vernon.
Was it Gen. @ who said “Go!”?""",
    ),
    "de": (
        "Müller|Schmidt|Weber|Öztürk|Braun",
        """Am 3. Mai kam @ ca. um 10 Uhr an.
Laut @ et al. wächst das Brot z. B. im warmen Raum, d. h. in der Küche.
Im 19. Jahrhundert lebte Prof. Dr. @ in der 2. Etage.
Dipl.-Ing. @ kaufte Brot, Butter usw. und zahlte 3,50 Euro.
Herr @ bzw. Frau Lang wohnt in der Goethestr. 5.
Am 12. Oktober 1990 schrieb @ den 1. Band, vgl. S. 14.
„Kommst du mit?“, fragte @ am Abend des 24. Dezember.
@ sagte: „Das ist gut.“
Auf der Insel lebt u. a. Hr. @ mit ggf. 5 Katzen.
Wer war @ wirklich?""",
    ),
    "fr": (
        "Dupont|Lefèvre|Moreau|Bernard|Petit",
        """M. @ arriva vers 10 h. env. avec Mme Leroy.
« Viens-tu ? »
Le pain lève mieux, p. ex. dans la cuisine de @, c.-à-d. au chaud.
Selon @ et al. (2019), il faut 3,5 heures.
Mlle @ habite au no. 7, cf. p. 14.
Le Dr @ dit : « Oui. »
J.-P. @ naquit vers 52 av. J.-C. à Rome.
@ attendit… puis il partit !
Voir le vol. 2 de l'éd. Larue, chap. 3, selon @.
MM. @ et Roux sont là.""",
    ),
    "es": (
        "García|Núñez|Ruiz|Molina|Vega",
        """El Sr. @ llegó a las 5 p. m. con la Sra. Pérez.
¿Viene @ mañana?
El pan crece, p. ej. en la cocina de @, es decir, al calor.
Según @ et al. (2019), cuesta 3.50 euros.
La Dra. @ vive en la Avda. Real, núm. 7.
¡Qué bien canta @!
Véase la pág. 14 de @, vol. 2.
J. L. @ compró pan, sal, etc. y se fue.
«Vamos», dijo @.
Ud. conoce a @, cf. el art. 5.""",
    ),
    "pt": (
        "Silva|Souza|Costa|Gonçalves|Lima",
        """O Sr. @ chegou com a Sra. Rocha.
O pão cresce, p. ex. na cozinha de @, ou seja, no calor.
Segundo @ et al. (2019), custa 3,50 euros.
A Profa. @ mora na Av. Central, n. 7.
Que bom que @ veio!
Ver a pág. 14 de @, vol. 2.
“Vens?”, perguntou @.
J. M. @ comprou pão, sal etc. e partiu.
@ esperou… e foi embora.
O Dr. @ nasceu em 1950.""",
    ),
    "it": (
        "Rossi|Bianchi|Ferrari|D'Angelo|Conti",
        """Il Sig. @ arrivò con la Sig.ra Neri.
Il pane cresce, ad es. nella cucina di @, cioè al caldo.
Secondo @ et al. (2019), costa 3,50 euro.
L'Avv. @ vive in via Roma, n. 7.
Che bello che @ sia qui!
Vedi pag. 14 di @, vol. 2.
«Vieni?», chiese @.
Il Dott. @ comprò pane, sale ecc. e partì.
G. B. @ aspettò… e andò via.
L'Ing. @ nacque nel 1950.""",
    ),
    "nl": (
        "Jansen|Visser|Bakker|Mulder|Smit",
        """Dhr. @ kwam met mevr. Bos om 10 uur.
Het brood rijst, bijv. in de keuken van @, d.w.z. in de warmte.
Volgens @ et al. (2019) kost het 3,50 euro.
Drs. @ woont op nr. 7.
Wat fijn dat @ er is!
Zie blz. 14 van @, dl. 2.
„Kom je?”, vroeg @.
Ir. @ kocht brood, zout enz. en vertrok.
J. W. @ wachtte… en ging weg.
Prof. dr. @ is ca. 50 jaar oud.""",
    ),
    "sv": (
        "Lindqvist|Åberg|Öberg|Nilsson|Ek",
        """Dr. @ kom kl. 10 med fru Lund.
Brödet jäser, t.ex. i köket hos @, dvs. i värmen.
Enligt @ et al. (2019) kostar det 3,50 euro.
Prof. @ bor på nr. 7 sedan 3 maj.
Så bra att @ är här!
Se s. 14 hos @, vol. 2.
”Kommer du?” frågade doktorn, menade @.
@ köpte bröd, salt osv. och gick.
J. A. @ väntade… och gick.
@ är ca 50 år gammal, bl.a. enligt boken.""",
    ),
    "pl": (
        "Kowalski|Nowak|Wójcik|Łukasik|Zając",
        """Dr hab. @ przyszedł o godz. 10 z p. Nowicką.
Chleb rośnie np. w kuchni, gdzie mieszka @, tzn. w cieple.
Według @ i in. (2019) kosztuje 3,50 euro.
Prof. @ mieszka przy ul. Długiej 7.
Jak dobrze, że @ tu jest!
Zob. s. 14, t. 2, autor @.
„Idziesz?”, spytał @.
Inż. @ kupił chleb, sól itd. i wyszedł.
J. K. @ czekał… i poszedł.
W XIX w. żył tu św. Jan i @.""",
    ),
    "cs": (
        "Novák|Dvořák|Svoboda|Šimek|Černý",
        """Dr. @ přišel 3. května v 10 hod. s pí. Malou.
Chléb kyne např. v kuchyni, kde bydlí @, tj. v teple.
Podle @ a kol. (2019) stojí 3,50 eura.
Ing. @ bydlí v ul. Dlouhá, č. 7.
Jak dobře, že @ je tady!
Viz s. 14, sv. 2, autor @.
„Jdeš?“ zeptal se tiše doktor a @ mlčel.
Mgr. @ koupil chléb, sůl atd. a odešel.
J. K. @ čekal… a šel.
V 19. století zde žil tzv. Starý @.""",
    ),
    "ru": (
        "Иванов|Петров|Сидоров|Ёлкин|Щукин",
        """В 2020 г. @ приехал в г. Москву.
Хлеб растёт, т. е. поднимается, как пишет @ и др. в книге.
А. С. @ родился 3 мая 1950 г. в селе.
Проф. @ живёт на ул. Ленина, д. 7.
Как хорошо, что @ здесь!
См. рис. 3 на с. 14, автор @.
«Ты идёшь?» — спросил @.
@ купил хлеб, соль и т. д.
@ ждал… и ушёл.
Это стоит 5 тыс. руб., как сказал @.""",
    ),
    "uk": (
        "Шевченко|Ґалаґан|Їжак|Бондар|Мельник",
        """У 2020 р. @ приїхав до м. Києва.
Хліб росте, тобто піднімається, як пише @ та ін. у книзі.
Т. Г. @ народився 3 травня 1950 р. у селі.
Проф. @ живе на вул. Садовій, буд. 7.
Як добре, що @ тут!
Див. рис. 3 на с. 14, автор @.
«Ти йдеш?» — спитав @.
@ купив хліб, сіль і т. д.
@ чекав… і пішов.
Це коштує 5 тис. грн, як сказав @.""",
    ),
    "tr": (
        "Yılmaz|Şahin|Öztürk|Çelik|Işık",
        """Dr. @ saat 10.30 gibi geldi.
Ekmek kabarır, örn. sıcak mutfakta, dedi @.
Doç. Dr. @ 19. yüzyılda yaşadı.
Av. @ 7 numarada oturuyor.
Ne güzel ki @ burada!
Bkz. s. 14, @ çevirisi.
“Geliyor musun?” diye sordu @.
@ ekmek, tuz vb. aldı ve gitti.
M. K. @ bekledi… ve gitti.
Prof. @ 3 Mayıs 1950'de doğdu.""",
    ),
    "el": (
        "Παπαδόπουλος|Νικολάου|Γεωργίου|Ιωάννου|Οικονόμου",
        """Ο κ. @ ήρθε στις 10 με την κα. Μαρία.
Πότε θα έρθει ο @;
Το ψωμί φουσκώνει, π.χ. στην κουζίνα, δηλ. στη ζέστη, λέει ο @.
Ο Κ. Π. @ γεννήθηκε το 1950.
Τι καλά που ο @ είναι εδώ!
Βλ. σελ. 14, τόμ. 2, του @.
«Έρχεσαι;» ρώτησε ήσυχα η γιατρός.
Ο @ αγόρασε ψωμί, αλάτι κ.λπ. και έφυγε.
Ο @ περίμενε… και έφυγε.
Ο @ πλήρωσε 3,50 ευρώ.""",
    ),
    "zh": (
        "王明|李华|张伟|赵磊|陈静",
        """@今天去了北京。
@问道：“你来吗？”
@花了3.50元！
根据@等人（2019）的研究，面包会发酵。
@说：“好。”
@等了又等……最后还是走了。
@住在example.org附近。
为什么@不来？
@买了面包、盐等等。
@（生于1950年）是教授。""",
    ),
    "ja": (
        "田中|佐藤|鈴木|高橋|山本",
        """@さんは今日東京へ行きました。
@さんは「行きます。」と言った。
@さんは3.50ユーロを払った！
@ら（2019）によると、パンは膨らむ。
@さんは来ますか？
@さんは待った……そして帰った。
@さんはexample.orgを見た。
なぜ@さんは来ないのか。
@さんはパンや塩などを買った。
@さん（1950年生まれ）は先生です。""",
    ),
    "ar": (
        "أحمد|خالد|سامي|ليلى|منى",
        """وصل د. @ في الساعة العاشرة.
هل يأتي @ غدا؟
دفع @ 3.50 يورو!
قال @: «نعم.»
سكن أ. د. @ في المدينة.
اشترى @ الخبز والملح إلخ وذهب.
انتظر @ ثم ذهب.
انظر ص. 14 من كتاب @.
ولد @ سنة 1950 م. 5 مايو.
ما أجمل أن @ هنا!""",
    ),
    "ur": (
        "احمد|خالد|سلیم|زینب|نور",
        """@ آج لاہور گیا۔
کیا @ کل آئے گا؟
@ نے 3.50 روپے دیے!
ڈاکٹر @ نے کہا: ”ہاں۔“
@ شہر میں رہتا ہے۔
@ نے روٹی، نمک وغیرہ خریدا۔
@ انتظار کرتا رہا۔
صفحہ 14 پر @ کی کتاب دیکھیں۔
@ سن 1950 میں پیدا ہوا۔
کتنا اچھا ہے کہ @ یہاں ہے!""",
    ),
    "hi": (
        "राम|सीता|मोहन|गीता|श्याम",
        """डॉ. @ आज दिल्ली गए।
क्या @ कल आएगा?
@ ने 3.50 रुपये दिए!
ए. पी. जे. @ वैज्ञानिक थे।
श्री. @ शहर में रहते हैं।
@ ने रोटी, नमक आदि खरीदा।
@ ने कहा, “हाँ।”
पृ. 14 पर @ की किताब देखें।
@ का जन्म 1950 में हुआ॥
कितना अच्छा है कि @ यहाँ है!""",
    ),
    "hy": (
        "Արամ|Անի|Վահե|Նարե|Տիգրան",
        """@ը այսօր գնաց Երևան։
Ինչո՞ւ @ը չեկավ։
@ը վճարեց 3.50 եվրո։
Դոկտոր @ը ապրում է այստեղ։
@ը գնեց հաց, աղ և այլն։
@ը ասաց՝ «Այո։»
@ը սպասեց… և գնաց։
@ը ծնվել է 1950 թվականին։
Ո՞վ է @ը։
Տես էջ 14-ը, @ի գիրքը։""",
    ),
    "my": (
        "မောင်မောင်|အောင်|သီတာ|ကျော်|နီလာ",
        """@ ဒီနေ့ ရန်ကုန် သွားတယ်။
@ မနက်ဖြန် လာမလား။
@ က ၃.၅၀ ပေးတယ်။
@ မြို့မှာ နေတယ်၊ အလုပ်လုပ်တယ်။
@ ပေါင်မုန့် ဝယ်တယ်။
@ စောင့်နေတယ်။
@ စာအုပ် ဖတ်တယ်။
@ ပြန်သွားတယ်။
@ ဆရာဝန် ဖြစ်တယ်။
@ ဒီမှာ ရှိတယ်။""",
    ),
    "am": (
        "አበበ|ከበደ|አልማዝ|ሰላም|ደስታ",
        """@ ዛሬ ወደ ከተማ ሄደ።
@ ነገ ይመጣል?
@ 3.50 ብር ከፈለ።
@ እዚህ ይኖራል።
@ ዳቦ፣ ጨው ወዘተ ገዛ።
@ ጠበቀ።
@ መጽሐፍ አነበበ።
@ ተመለሰ፡፡
@ ሐኪም ነው።
@ እዚህ አለ!""",
    ),
}

# Written without a space between sentences.
UNSPACED = {"zh", "ja"}


def sentences_of(language: str) -> list[str]:
    """Return fifty sentences."""
    names, lines = TABLE[language]
    return [line.replace("@", name) for name in names.split("|") for line in lines.split("\n")]
