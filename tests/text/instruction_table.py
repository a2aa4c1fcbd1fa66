"""Short instructions in many languages: five beginnings and five topics each, which make twenty-five."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "en": (
        "Write an essay about |Write a short story about |Tell me everything about |A guide to |Explain the history of ",
        "tomatoes on a balcony|the rain in the city|old wooden boats|the best bread|the sea",
    ),
    "de": (
        "Schreibe einen Aufsatz über |Schreib eine Geschichte über |Ein Leitfaden für |Erkläre mir |Verfasse einen Text über ",
        "Tomaten auf dem Balkon|den Regen in der Stadt|alte Boote aus Holz|das beste Brot|das Meer",
    ),
    "fr": (
        "Écris un texte sur |Rédige une histoire sur |Un guide pour |Explique |Parle-moi de ",
        "les tomates du balcon|la pluie dans la ville|les vieux bateaux en bois|le meilleur pain|la mer",
    ),
    "es": (
        "Escribe un texto sobre |Redacta una historia sobre |Una guía para |Explica |Háblame de ",
        "los tomates del balcón|la lluvia en la ciudad|los viejos barcos de madera|el mejor pan|el mar",
    ),
    "pt": (
        "Escreva um texto sobre |Redija uma história sobre |Um guia para |Explique |Fale sobre ",
        "os tomates da varanda|a chuva na cidade|os velhos barcos de madeira|o melhor pão|as ondas do mar",
    ),
    "it": (
        "Scrivi un testo su |Racconta una storia su |Una guida per |Spiega |Parlami di ",
        "i pomodori sul balcone|la pioggia nella città|le vecchie barche di legno|il pane migliore|gli uccelli del mare",
    ),
    "nl": (
        "Schrijf een tekst over |Schrijf een verhaal over |Een gids voor |Leg uit: |Vertel me over ",
        "tomaten op het balkon|de regen in de stad|oude houten boten|het beste brood|de zee",
    ),
    "sv": (
        "Skriv en text om |Skriv en berättelse om |En guide till |Förklara |Berätta för mig om ",
        "tomater på balkongen|regnet i staden|gamla båtar av trä|det bästa brödet|havet och fåglarna",
    ),
    "da": (
        "Skriv en tekst om |Skriv en fortælling om |En vejledning til |Forklar mig |Fortæl mig om ",
        "tomater på altanen|regnen i byen|gamle både af træ|det bedste brød|havet og fuglene",
    ),
    "nb": (
        "Skriv en tekst om |Skriv ei fortelling om |En veiledning til |Forklar meg |Fortell meg om ",
        "tomater på balkongen|regnet i byen|gamle båter av tre|det beste brødet|havet og fuglene",
    ),
    "fi": (
        "Kirjoita teksti aiheesta |Kirjoita tarina aiheesta |Opas aiheeseen |Selitä minulle |Kerro minulle aiheesta ",
        "tomaatit parvekkeella|sade kaupungissa|vanhat puuveneet|paras leipä|meri ja linnut",
    ),
    "pl": (
        "Napisz tekst: |Napisz opowiadanie: |Poradnik: |Wyjaśnij mi: |Opowiedz mi o tym: ",
        "pomidory na balkonie|deszcz w mieście|stare drewniane łodzie|najlepszy chleb|morze i ptaki",
    ),
    "cs": (
        "Napiš text: |Napiš povídku: |Průvodce: |Vysvětli mi: |Vyprávěj mi, co je ",
        "rajčata na balkoně|déšť ve městě|staré dřevěné lodě|nejlepší chléb|moře a ptáci",
    ),
    "sk": (
        "Napíš text: |Napíš poviedku: |Sprievodca: |Vysvetli mi: |Rozprávaj mi, čo je ",
        "paradajky na balkóne|dážď v meste|staré drevené lode|najlepší chlieb|more a vtáky",
    ),
    "hu": (
        "Írj egy szöveget erről: |Írj egy történetet erről: |Útmutató: |Magyarázd el: |Mesélj nekem erről: ",
        "paradicsom az erkélyen|eső a városban|régi fából készült csónakok|a legjobb kenyér|a tenger és a madarak",
    ),
    "ro": (
        "Scrie un text despre |Scrie o poveste despre |Un ghid pentru |Explică-mi |Vorbește-mi despre ",
        "roșiile din balcon|ploaia din oraș|bărcile vechi de lemn|cea mai bună pâine|mare și păsări",
    ),
    "hr": (
        "Napiši tekst o temi: |Napiši priču o temi: |Vodič kroz temu: |Objasni mi što su |Pričaj mi o temi: ",
        "rajčice na balkonu|kiša u gradu|stari drveni čamci|najbolji kruh|more i ptice",
    ),
    "sl": (
        "Napiši besedilo o temi: |Napiši zgodbo o temi: |Vodnik skozi temo: |Razloži mi, kaj so |Povej mi nekaj o temi: ",
        "paradižniki na balkonu|dež v mestu|stari leseni čolni|najboljši kruh|morje in ptice",
    ),
    "bg": (
        "Напиши текст за |Напиши разказ за |Ръководство за |Обясни ми какво са |Разкажи ми за ",
        "доматите на балкона|дъжда в града|старите дървени лодки|най-добрия хляб|морето и птиците",
    ),
    "ru": (
        "Напиши текст: |Напиши рассказ: |Руководство: |Объясни мне, что такое |Расскажи мне про это: ",
        "помидоры на балконе|дождь в городе|старые деревянные лодки|лучший хлеб|море и птицы",
    ),
    "uk": (
        "Напиши текст: |Напиши оповідання: |Посібник: |Поясни мені, що таке |Розкажи мені про це: ",
        "помідори на балконі|дощ у місті|старі дерев'яні човни|найкращий хліб|море і птахи",
    ),
    "be": (
        "Напішы тэкст: |Напішы апавяданне: |Дапаможнік: |Растлумач мне, што такое |Раскажы мне пра гэта: ",
        "памідоры на балконе|дождж у горадзе|старыя драўляныя лодкі|найлепшы хлеб|мора і птушкі",
    ),
    "el": (
        "Γράψε ένα κείμενο για |Γράψε μια ιστορία για |Ένας οδηγός για |Εξήγησέ μου |Πες μου για ",
        "τις ντομάτες στο μπαλκόνι|τη βροχή στην πόλη|τις παλιές βάρκες|το καλύτερο ψωμί|τη θάλασσα",
    ),
    "tr": (
        "Bir metin yaz: |Bir hikâye yaz: |Bir rehber: |Bana açıkla: |Bana şunu anlat: ",
        "balkonda domates yetiştirmek|şehirde yağmur|eski ahşap tekneler|en iyi ekmek|deniz ve kuşlar",
    ),
    "he": (
        "כתוב חיבור על |כתוב סיפור על |מדריך על |הסבר לי על |ספר לי על ",
        "עגבניות במרפסת|הגשם בעיר|סירות עץ ישנות|הלחם הטוב ביותר|הים",
    ),
    "ar": (
        "اكتب نصا عن |اكتب قصة عن |دليل عن |اشرح لي |حدثني عن ",
        "الطماطم في الشرفة|المطر في المدينة|القوارب الخشبية القديمة|أفضل خبز|البحر والطيور",
    ),
    "fa": (
        "متنی بنویس درباره |داستانی بنویس درباره |یک راهنما برای |توضیح بده که چیست: |به من بگو درباره ",
        "گوجه در بالکن|باران در شهر|قایق‌های چوبی کهنه|بهترین نان|دریا و پرندگان",
    ),
    "ur": (
        "ایک مضمون لکھیں: |ایک کہانی لکھیں: |ایک رہنما: |مجھے سمجھائیں: |مجھے بتائیں: ",
        "بالکونی میں ٹماٹر|شہر میں بارش|لکڑی کی پرانی کشتیاں|سب سے اچھی روٹی|سمندر اور پرندے",
    ),
    "hi": (
        "एक निबंध लिखो: |एक कहानी लिखो: |एक मार्गदर्शिका: |मुझे समझाओ कि क्या है |मुझे बताओ: ",
        "बालकनी में टमाटर|शहर में बारिश|लकड़ी की पुरानी नावें|सबसे अच्छी रोटी|समुद्र और पक्षी",
    ),
    "mr": (
        "एक निबंध लिहा: |एक गोष्ट लिहा: |एक मार्गदर्शक आहे: |मला समजावून सांगा: |मला सांगा की काय आहे ",
        "बाल्कनीतील टोमॅटो|शहरातील पाऊस|लाकडाच्या जुन्या होड्या|सर्वात चांगली भाकरी|समुद्र आणि पक्षी",
    ),
    "bn": (
        "একটি রচনা লেখো: |একটি গল্প লেখো: |একটি নির্দেশিকা: |আমাকে বোঝাও: |আমাকে বলো: ",
        "বারান্দায় টমেটো|শহরে বৃষ্টি|পুরোনো কাঠের নৌকা|সেরা রুটি|সমুদ্র ও পাখি",
    ),
    "ta": (
        "ஒரு கட்டுரை எழுது: |ஒரு கதை எழுது: |ஒரு வழிகாட்டி: |எனக்கு விளக்கு: |எனக்குச் சொல்: ",
        "மாடியில் தக்காளி|நகரில் மழை|பழைய மரப் படகுகள்|சிறந்த ரொட்டி|கடலும் பறவைகளும்",
    ),
    "th": (
        "เขียนเรียงความเรื่อง|เขียนเรื่องสั้นเกี่ยวกับ|คู่มือเรื่อง|อธิบายเรื่อง|เล่าเรื่อง",
        "มะเขือเทศบนระเบียง|ฝนในเมือง|เรือไม้เก่า|ขนมปังที่ดีที่สุด|ทะเลและนก",
    ),
    "ka": (
        "დაწერე ტექსტი: |დაწერე მოთხრობა: |გზამკვლევი: |ამიხსენი: |მომიყევი: ",
        "პომიდორი აივანზე|წვიმა ქალაქში|ძველი ხის ნავები|საუკეთესო პური|ზღვა და ჩიტები",
    ),
    "hy": (
        "Գրիր տեքստ՝ |Գրիր պատմվածք՝ |Ուղեցույց՝ |Բացատրիր ինձ՝ |Պատմիր ինձ՝ ",
        "լոլիկը պատշգամբում|անձրևը քաղաքում|հին փայտե նավակներ|լավագույն հացը|ծովը և թռչունները",
    ),
    "ko": (
        "글을 써 줘: |이야기를 써 줘: |안내서: |설명해 줘: |알려 줘: ",
        "발코니의 토마토|도시의 비|오래된 나무배|가장 좋은 빵|바다와 새",
    ),
    "ja": (
        "次の文章を書いて：|次の物語を書いて：|入門ガイド：|説明してください：|教えてください：",
        "ベランダのトマト|街の雨|古い木の船|いちばんおいしいパン|海と鳥",
    ),
    "zh": (
        "写一篇文章：|写一个故事：|一份指南：|请解释：|请介绍：",
        "阳台上的番茄|城市的雨|旧木船|最好的面包|大海和鸟",
    ),
    "vi": (
        "Viết một bài văn về |Viết một câu chuyện về |Hướng dẫn về |Giải thích cho tôi về |Hãy kể cho tôi nghe về ",
        "cà chua trên ban công|mưa trong thành phố|những con thuyền gỗ cũ|bánh mì ngon nhất|biển và chim",
    ),
    "id": (
        "Tulislah teks tentang |Tulis cerita tentang |Panduan untuk |Jelaskan kepada saya tentang |Ceritakan tentang ",
        "tomat di balkon|hujan di kota|perahu kayu yang tua|roti yang paling enak|laut dan burung",
    ),
    "lt": (
        "Parašyk tekstą: |Parašyk apsakymą: |Vadovas: |Paaiškink man, kas yra |Papasakok man: ",
        "pomidorai balkone|lietus mieste|senos medinės valtys|geriausia duona|jūra ir paukščiai",
    ),
    "lv": (
        "Uzraksti tekstu: |Uzraksti stāstu: |Ceļvedis: |Paskaidro man, kas ir |Pastāsti man: ",
        "tomāti uz balkona|lietus pilsētā|vecas koka laivas|labākā maize|jūra un putni",
    ),
    "et": (
        "Kirjuta tekst teemal |Kirjuta jutustus teemal |Juhend teemal |Selgita mulle, mis on |Räägi mulle teemast ",
        "tomatid rõdul|vihm linnas|vanad puust paadid|kõige parem leib|meri ja linnud",
    ),
    "ca": (
        "Escriu un text sobre |Escriu una història sobre |Una guia per a |Explica'm |Parla'm de ",
        "els tomàquets del balcó|la pluja a la ciutat|les velles barques de fusta|el millor pa|el mar i els ocells",
    ),
}


def instructions_of(language: str) -> list[str]:
    """Return twenty-five instructions."""
    beginnings, topics = TABLE[language]
    return [f"{beginning}{topic}" for beginning in beginnings.split("|") for topic in topics.split("|")]
