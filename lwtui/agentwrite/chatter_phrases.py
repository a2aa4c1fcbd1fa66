"""What models say around a text, in many languages: the table of :mod:`lwtui.agentwrite.chatter`.

Each entry is a part of a regular expression that ignores case. Apostrophes stand for both forms.
"""

from __future__ import annotations

import regex

FLAGS = regex.IGNORECASE  # without full case folding, which takes as long to compile as all the rest


def _any(*parts: str) -> str:
    return "(?:" + "|".join(parts).replace("'", "['’]") + ")"


# "Sure!": agreement with the request.
AGREES = _any(
    r"sure(?: thing)?|certainly|of course|absolutely|definitely|gladly|understood|got it|ok(?:ay)?"
    r"|al(?:l )?right|great"
    r"|no problem|with pleasure|very well|happy to help|i(?:'d| would) be (?:happy|glad"
    r"|delighted) to(?: help)?(?: you)?"
    r"(?: with (?:that|this))?|i'm happy to help|thank you for (?:the|your) \w+",
    r"好的|好|当然(?:可以)?|當然(?:可以)?|没问题|沒問題|明白(?:了)?|收到|可以",
    r"はい|もちろん(?:です)?|承知(?:しました|いたしました)|わかりました|分かりました|了解(?:です|しました)?"
    r"|かしこまりました",
    r"네|물론(?:입니다|이죠)?|알겠습니다|좋습니다",
    r"(?:sehr |aber )?gerne?|natürlich|selbstverständlich|klar|sicher|in ordnung|verstanden",
    r"bien sûr|certainement|d'accord|avec plaisir|volontiers|très bien|absolument|entendu",
    r"claro(?: que sí| que sim)?|por supuesto|desde luego|con (?:mucho )?gusto|de acuerdo|entendido|muy bien"
    r"|com certeza"
    r"|certamente|com prazer",
    r"certo|naturalmente|volentieri|d'accordo|con piacere|va bene",
    r"конечно|хорошо|разумеется|безусловно|с удовольствием|понял|понятно|звичайно|звісно|добре",
    r"oczywiście|jasne|dobrze|natuurlijk|zeker|prima|graag|självklart|naturligtvis|javisst|selvfølgelig|jistě"
    r"|samozřejmě",
    r"elbette|tabii(?: ki)?|tamam|memnuniyetle|بالتأكيد|بالطبع|حسنًا|حسنا|طبعًا|ज़रूर|जरूर|बिल्कुल|निश्चित रूप से",
    r"chắc chắn(?: rồi)?|tất nhiên|vâng|tentu(?: saja)?|baik",
)
# The same where nothing else follows in the line: a story may begin with "Great." or "Good."
AGREES_ALONE = _any(
    r"sure(?: thing)?|certainly|of course|absolutely|gladly|understood|got it|no problem|happy to help",
    r"好的|当然(?:可以)?|當然(?:可以)?|没问题|沒問題|もちろん(?:です)?|承知(?:しました|いたしました)"
    r"|わかりました|かしこまりました",
    r"물론(?:입니다|이죠)?|알겠습니다|(?:sehr )?gerne|natürlich|selbstverständlich|bien sûr|certainement"
    r"|avec plaisir",
    r"claro(?: que sí| que sim)?|por supuesto|con (?:mucho )?gusto|com certeza|certamente|volentieri|con piacere",
    r"конечно|разумеется|звичайно|oczywiście|natuurlijk|självklart|selvfølgelig|elbette|tabii ki|بالتأكيد"
    r"|بالطبع|ज़रूर|tentu saja",
)
# "Sure! I'd be happy to help. Please provide the text": a small model has taken the request for another one.
_HELPS = (
    r"(?:i(?:['’]d| would) be (?:happy|glad) to (?:help|assist) you[^\n.!?]{0,160}[.!]"
    r"|我(?:很|非常)(?:乐意|高兴|愿意)(?:为|帮|协助)[^\n。！？]{0,60}[。！])\s*"
)
ASKS_FOR_TEXT = (
    rf"(?:sure|of course|certainly|absolutely|当然(?:可以)?|好的|没问题)[\s,.!，。！]*(?:{_HELPS})?"
    r"(?:(?:could|can|would) you (?:please )?|please |to [^\n.]{3,60}, please )?"
    r"(?:provide|share|send|paste|tell me|请(?:您|你)?(?:先)?(?:根据[^\n，。]{1,16})?"
    r"(?:提供|告诉我|发送|给出|填写|补充))[^\n.。]{0,60}?"
    r"(?:text|letter|document|content|details|information|draft|sections?|outline"
    r"|topics?|文本|内容|文章|文档|信息|原文|材料|章节)[^\n.。!！?？]{0,200}[.。!！?？:：]?[ \t]*(?=\n|\Z)"
)
# "Here is": what announces something.
ANNOUNCES = _any(
    r"here goes|let me (?:now )?(?:get|dive|jump)|let's (?:now )?(?:dive|get|jump|move)|第[^\n]{1,8}(?:章|節"
    r"|部)の?(?:本文)?は以下|以下、|섹션 \d+[^\n]{0,10}(?:작성|시작)",
    r"here's|heres|here (?:is|are|comes|you (?:go|are)|it is)|below (?:is|are|you)|(?:the )?following (?:is"
    r"|are)|this is"
    r"|i(?:'ve| have) (?:now )?(?:written|drafted|prepared|created|composed|put together|continued|revised|rewritten)"
    r"|i(?:'ll| will) (?:now )?(?:write|continue|start|begin|draft|pick up|proceed|provide)"
    r"|i(?:'m| am) (?:going to|now writing|continuing)|let me (?:now )?(?:write|continue|start|begin|draft|provide)"
    r"|let's (?:now )?(?:continue|begin|start|write|proceed)|continuing|continued|now,? here|as (?:you )?requested"
    r"|as you asked|picking up|please find|now(?: for)?,? (?:the )?section",
    r"(?:以下|下面|下列|这|這|这里|這裡|这儿)(?:就)?(?:是|为|為)|我(?:将|會|会|来|來|已经|已經|已)?(?:为"
    r"|為)?(?:您|你)?(?:撰写|撰寫|写|寫|继续|繼續|续写|續寫)"
    r"|接下来|接下來|现在(?:开始|继续)|(?:根据|根據|按照|按)(?:您|你)的?(?:要求|需求)|继续(?:撰写|写)|續寫|续写",
    r"以下(?:は|が|に)|こちら(?:が|は)|次(?:は|に)|それでは|では|ご(?:依頼|要望)|続き(?:は|です)",
    r"다음은|아래는|여기(?:는| 있습니다)?|이어서|요청하신",
    r"hier (?:ist|sind|kommt|folgt|finden|haben)|nachfolgend|im folgenden|ich (?:habe|werde|schreibe|setze"
    r"|fahre)|es folgt"
    r"|wie gewünscht|weiter geht",
    r"voici|voilà|ci-dessous|ce qui suit|je (?:vais|continue|poursuis)|j'ai (?:rédigé|écrit|préparé)|comme demandé",
    r"aquí (?:está|están|tienes|tiene|va|te|le)|a continuación|est[ea] es|he (?:escrito|redactado)|voy a"
    r"|continúo|continuando",
    r"aqui (?:está|estão|vai)|a seguir|segue(?:-se)?|abaixo|escrevi|vou (?:escrever|continuar)|conforme solicitado",
    r"ecco|(?:qui )?di seguito|ho scritto|continuo|proseguo|come richiesto",
    r"вот|ниже|далее|представляю|я (?:написал|подготовил|продолжу|напишу)|продолж(?:аю|им)|ось|нижче|далі",
    r"oto|poniżej|kontynuuję|napisałem|hier is|hieronder|hierbij|dit is|ik (?:heb|ga|schrijf)|här (?:är"
    r"|kommer)|nedan|her er|zde je",
    r"işte|aşağıda|إليك|فيما يلي|هذا هو|هذه هي|أدناه|यहाँ|यहां|निम्नलिखित|नीचे|dưới đây|đây là|sau đây|berikut"
    r"|di bawah ini|ini adalah",
)
_PART = (
    r"(?:section|chapter|part|abschnitt|kapitel|teil|chapitre|partie|sección|capítulo|parte|seção|secção"
    r"|sezione|capitolo"
    r"|раздела?|глав[аыу]|часть|части|розділу?|rozdział\w*|sekcj\w+|hoofdstuk|sectie|deel|avsnitt|bölüm\w*"
    r"|القسم|الفصل|अनुभाग|phần|bagian)"
)
_ORDINAL = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|next|last|final|opening|closing|requested"
    r"|remaining|following|ersten?r?|zweiten?r?|dritten?r?|nächsten?r?|letzten?r?|premi[eè]re?|deuxième"
    r"|troisième|prochaine?|dernière?"
    r"|primer[ao]?|segund[ao]|tercer[ao]?|próxim[ao]|últim[ao]|primeir[ao]|terceir[ao]|prim[ao]|second[ao]"
    r"|terz[ao]|prossim[ao]|ultim[ao]"
    r"|перв\w+|втор\w+|трет\w+|следующ\w+|последн\w+|pierwsz\w+|drug\w+|następn\w+|eerste|tweede|derde|volgende"
    r"|laatste"
    r"|första|andra|tredje|nästa|ilk|ikinci|üçüncü|الأول|الثاني|الثالث|pertama|kedua|ketiga)"
)
_PIECE = (
    r"(?:document|essay|article|blog post|guide|report|story|book|text|paper|manual|tutorial|novel|post"
    r"|handbook|speech|review"
    r"|dokuments?|textes?|aufsatz(?:es)?|artikels?|berichts?|document|texte|article|essai|documento|texto"
    r"|artículo|ensayo|artigo"
    r"|testo|articolo|saggio|документ\w*|текст\w*|стать\w+|dokumentu?|tekstu?|artykułu?)"
)
# What shows that an announcement is about the answer itself.
ABOUT_THE_ANSWER = _any(
    r"\b(?:the|your|der|die|das|le|la|el|il|o|a) (?:requested |completed |finished |full |final |gewünschte "
    r"|angeforderte )?(?:section text|text|section|content|texte|texto|testo|abschnitt|sección|seção"
    r"|sezione)(?: (?:you|demandée?|solicitad[oa]|pedid[oa]|richiest[oa])[^\n:：]{0,30})?\s*[*_]*[:：]",
    rf"\b{_PART}\s+(?:#|no\.?\s*|nr\.?\s*)?(?:\d+|[ivx]+\b|one|two|three|four|five|six|seven|eight|nine|ten"
    rf"|eins|zwei|drei)",
    rf"\b{_ORDINAL}\s+{_PART}\b|\b{_PART}\s+{_ORDINAL}\b|القسم \S+ من|\b\d+(?:st|nd|rd|th|\.|º|ª|er|ère|e"
    rf"|-\w+)?\s+{_PART}\b",
    rf"\b{_PART}\s+(?:(?:of|for|from|in|to|des|der|de|du|della|del|do|da|van|из)\s+)(?:(?:the|your|this|l'|le"
    rf"|la|el|il|o|het|een)\s+)?{_PIECE}",
    rf"\b{_PART}\s+(?:on|about|titled|called|entitled|for|named|covering|discussing|über|mit dem titel|sur"
    rf"|intitulée?|sobre|titulad[ao]|su|о|об)\s",
    rf"\b(?:the|your|this|die|der|den|la|le|el|il|o|a|de|het)\s+(?:requested\s+"
    rf"|gewünschten?\s+)?{_PART}\s*[*_]*[:：]",
    r"\bcontinuation|\bfortsetzung\b|\b(?:la )?suite (?:du|de)|\bcontinuación (?:del?|de la)\b|\bcontinuação"
    r"|\bcontinuazione|продолжени[ея]|dalszy ciąg"
    r"|\bvervolg\b|\bfortsättning|\bdevamı|تكملة",
    r"as requested|you (?:requested|asked)|\bnext (?:few )?paragraphs?\b|\bfrom where (?:we|i|you|it"
    r"|the text) (?:left|stopped|ended)"
    r"|left off|(?:text|draft|content)s? (?:for|of) (?:the |your |this )?(?:section|chapter|part|document)",
    rf"\byour (?:\w+ ){{0,2}}(?:section|chapter|request|instructions|draft|piece|{_PIECE})",
    r"\b\d+(?:[-\s])words?\b|\b(?:about|around|approximately|roughly)\s+\d+\s+words",
    r"第\s*[\d一二三四五六七八九十百]+\s*(?:个)?(?:小?[节節章部]|部分|部份|段)|本[节節章]的?(?:正文|全文|内容"
    r"|內容|文本)|(?:[节節章]|部分)(?:的)?(?:正文|全文|续写|文本)|续写|續寫|正文"
    r"|(?:您|你)(?:要求|需要|请求)的?|按(?:照)?(?:您|你)的?要求|下一[节章]",
    r"第\s*[\d一二三四五六七八九十]+\s*(?:節|章|部|セクション)|(?:セクション|パート|章)\s*\d+|続き|本文"
    r"|ご(?:依頼|要望)の",
    r"(?:섹션|장|부분|파트)\s*\d+|\d+\s*(?:번째)?\s*(?:섹션|장|절|부분)|첫\s*(?:번째)?\s*(?:섹션|장|부분)"
    r"|요청하신|이어지는|본문",
    r"\bphần (?:\d+|đầu|tiếp)|\bbagian (?:\d+|pertama|kedua|berikutnya)|अनुभाग \d+|पहला (?:अनुभाग|खंड)",
)
# What may be the answer, and may be something that the text itself introduces.
MAY_BE_THE_ANSWER = _any(
    rf"\b{_PIECE}\b|\b{_PART}\b|\bdraft\b|\bversion\b|\bresponse\b|\banswer\b|\bparagraphs?\b|\bcontent\b"
    rf"|\bpiece\b|\bpoem\b|\bletter\b|\bwrite-?up\b"
    r"|\brest\b|\boutline\b|\blist\b|\btips\b|\bsteps\b",
    r"内容|內容|文章|文本|文档|文檔|段落|部分|版本|章节|[节章]|文章|内容です|セクション|글|내용|문서|텍스트|단락",
    r"\bantwort\b|\bentwurf|\babsatz|\bfassung|\bréponse|\bparagraphe|\bversion|\brespuesta|\bborrador"
    r"|\bpárrafo|\bversión|\bresposta|\brascunho|\bparágrafo"
    r"|\brisposta|\bbozza|\bparagrafo|ответ|черновик|абзац|верси",
    r"النص|المقال|الوثيقة|पाठ|लेख|văn bản|bài viết|đoạn|teks|dokumen|artikel|metin|yazı",
)
# What a text introduces with a colon.
INTRODUCES = _any(
    r"\b(?:list|steps?|ingredients?|examples?|points?|things|reasons?|tips|questions?|ways|rules?|items"
    r"|overview|summary|features?|options"
    r"|topics|objectives|goals|materials|tools|facts|figures|table|diagram|code|commands?|recipe|quotes?"
    r"|excerpts?|poem|letter|words of)\b",
    r"\bwe (?:look|learn|cover|discuss|will|meet|see)|\bthat (?:does|caused|led|made|matters|follows)"
    r"|\bof (?:code|the (?:code|file|script|law|contract|act))\b",
    r"主要|要点|要點|步骤|步驟|清单|清單|原因|例子|例如|建议|建議|材料|目标|目標|问题|問題|几点|幾點|概要|手順"
    r"|材料|例|理由|質問|一覧",
    r"\b(?:liste|schritte|zutaten|beispiele?|punkte|gründe|regeln|fragen|étapes|ingrédients|exemples?|raisons"
    r"|questions|lista|pasos|ingredientes|ejemplos?|razones"
    r"|passos|exemplos?|razões|passaggi|ingredienti|esempi|ragioni)\b|список|шаги|примеры|причины|вопросы",
)
# Labels before a text, such as "Assistant:". What the second group names may also be what the text is about.
ROLES = _any(
    r"(?:ai )?assistant|ai assistant|chatgpt|助手|助理|ai助手|アシスタント|어시스턴트|assistent|asistente"
    r"|assistente|ассистент|помощник|asystent|asistan",
)
DOUBTFUL_ROLES = _any(r"ai|a\.i\.|ki|ia|ии|bot|chatbot|model|claude|gemini|gpt(?:-\w+)?|llama|qwen|deepseek|mistral")
ANSWER_LABELS = _any(
    r"(?:my |the |full |final |section )?(?:response|answer|output|reply|text|draft|content)|section text|回答"
    r"|回复|回覆|答案|正文|输出|輸出|内容"
    r"|出力|本文|답변|본문|출력|antwort|ausgabe|réponse|sortie|respuesta|salida|resposta|saída|risposta|ответ"
    r"|odpowiedź|antwoord|svar|yanıt|cevap|الإجابة|उत्तर",
)
TITLE_LABELS = _any(
    r"(?:section |chapter |document )?(?:title|heading)|section|chapter|标题|標題|小标题|题目|タイトル|見出し"
    r"|제목|titel|überschrift|titre|título|titolo|заголовок|название"
    r"|tytuł|rubrik|başlık|العنوان|शीर्षक|tiêu đề|judul",
)
PARTS = rf"(?:{_PART}|paragraph|absatz|第|セクション|섹션)"
OF_TOTAL = _any(r"of|out of|/|von|sur|de|di|из|z|van|av|/|من|trên|dari")
# "Word count: 120"
COUNT_LABELS = _any(
    r"(?:total |final |actual |approximate |approx\.? |current |section )?word\s?counts?|(?:total "
    r"|number of )words|words|character\s?count|total",
    r"(?:总|總|全文|本节|正文|实际)?(?:字数|字數|词数)(?:统计|統計|约|約)?|文字数|글자\s?수|단어\s?수",
    r"wort(?:an)?zahl|wörter(?:zahl)?|anzahl (?:der )?wörter|nombre (?:total )?de mots|(?:número|cantidad"
    r"|recuento|conteo|total) (?:total )?de palabras|palabras"
    r"|(?:número|contagem|total) de palavras|(?:numero|conteggio|totale)(?: di| delle)? parole|(?:количество"
    r"|число|всего) слов|кількість слів|liczba słów"
    r"|aantal woorden|antal ord|ordantal|počet slov|kelime sayısı|عدد الكلمات|शब्द (?:संख्या|गणना)|số từ|jumlah kata",
)
COUNT_UNITS = _any(
    r"words?|characters?|chars?|字(?:符)?|个字|個字|词|汉字|文字|자|글자|단어|wörter[n]?|worte|mots|palabras"
    r"|palavras|parole|слов[ао]?|слів|słów|słowa|woorden|ord|slov"
    r"|kelime|كلمة|كلمات|शब्द|từ|kata",
)
ABOUT = _any(
    r"approximately|approx\.?|about|around|roughly|exactly|circa|ca\.|约|大约|約|共|共计|合计|~|≈|～|environ"
    r"|etwa|ungefähr|unos|unas|aproximadamente|cerca de|около|примерно|około|ongeveer"
)
# What a model says after a text, from its first words on; the rest of the line is then talk too.
CLOSINGS = _any(
    r"this (?:concludes|completes) (?:the |this |our |my |your )?(?:text|section|chapter|part|draft|essay|article"
    r"|document|response|answer)(?:\s*[.!。]|\s+(?:on|about|for)\b)",
    r"请问(?:是否)?(?:需要|要)我?(?:继续|修改)|gerne kann ich (?:den|die|das|ihnen|dir|es)|ご参考に(?:なれば"
    r"|なりましたら|して)|ready for (?:the next|section|part|chapter)|(?:up )?next[:：] (?:section|chapter"
    r"|part) \d+",
    r"(?:the )?(?:above )?(?:section|text|draft|passage|response)(?: above)? (?:is|has|contains|meets"
    r"|comes)[^\n]{0,60}?\d+[- ]words?|this (?:section|text|draft)[^\n]{0,80}?\d+-word|i(?:'ll"
    r"| will) (?:now )?(?:continue|proceed|move on) (?:with|to) (?:the next|section|part|chapter)"
    r"|let's (?:continue|proceed|move on) (?:with|to) (?:section|part|chapter) \d",
    r"(?:i )?hope (?:this|that|it) (?:helps?|works|meets)|i hope you (?:find (?:this|the|it)|like (?:this|the"
    r"|it)|enjoy(?:ed)? (?:this|the|it|reading))|(?:do you )?want me to"
    r"|is there anything (?:else )?(?:you(?:'d| would)|i can)",
    r"i(?: really)? hope (?:this|that this|that the|the|it|that it|these) (?:section |text |draft |version "
    r"|chapter |piece |story |answer |response |revised \w+ )?"
    r"(?:helps?|meets?|is|was|works?|suits?|fits?|captures?|satisf|serves?|does|provides?|gives?|aligns?|matches)",
    r"(?:please |just )?let me know (?:if|whether) (?:you(?:'d| would) (?:like|prefer|want)|you (?:want|need"
    r"|have|prefer|wish)"
    r"|there(?:'s| is| are)|this|that|any|it|i should|i can)|(?:please |just )?let me know (?:what you think"
    r"|how you(?:'d| would) like|your thoughts|when you)",
    r"(?:please )?feel free to (?:ask|reach out|let me|modify|adjust|edit|adapt|request|tell me|provide"
    r"|make (?:any )?(?:changes|edits|adjustments)|customi[sz]e|use this|change)",
    r"thank you (?:very much |so much )?for reading (?:my|this|the) (?:text|section|draft|response|answer|document)",
    r"once you(?:'ve| have) (?:completed|finished|written) (?:all (?:of )?)?(?:the|these) sections?",
    r"this (?:text|document|guide) (?:has been|is|was) (?:being )?written (?:section by section|in sections|so far)",
    r"would you like (?:me to|to (?:continue|proceed|see|add|change|make|adjust|expand|move on)|another"
    r"|any (?:changes|adjustments|revisions|edits)|the next)",
    r"if you(?:'d| would) (?:like|prefer)[^\n]{0,120}?\W(?:let me|just (?:ask|say|tell)|i can|i(?:'d"
    r"| would) be|feel free|please)",
    r"if you (?:need|want|have)[^\n]{0,120}?\W(?:let me know|(?:just|don't hesitate to) (?:ask|say|tell me)|i can"
    r"|i(?:'d| would) be (?:happy|glad)|feel free)",
    r"(?:shall|should) i (?:continue|proceed|go on|write|move on|start|expand)|(?:do )?you want me to"
    r"|ready (?:to continue|for the next)"
    r"|i(?:'m| am) (?:ready|happy|glad|available|here) to (?:continue|help|write|adjust|assist|make|revise"
    r"|expand|provide)|i(?:'d| would) be (?:happy|glad) to (?:continue|help|write|adjust|make|revise|expand"
    r"|provide)",
    r"i can (?:also )?(?:continue|adjust|expand|revise|rewrite|provide|make)[^\n]{0,120}?\Wif you",
    r"i(?:'ve| have) (?:kept|aimed|tried|written|ensured|made sure|focused|followed)[^\n]{0,160}?\W(?:words?"
    r"|your (?:request|instructions|plan)|the (?:plan|outline|section|tone|guidelines|requested))\b",
    r"(?:please )?note(?: that)?[:：]?\s[^\n]{0,160}?(?:\Wword (?:count|limit)|\d+ words|this (?:section|text"
    r"|draft|response) (?:is|was|has|aims|can)|as (?:you )?requested|your (?:request|instructions))",
    r"this (?:section|text|draft|version|response|chapter|part|piece)[^\n]{0,160}?(?:\d+ words|\Wword (?:count"
    r"|limit)|your (?:request|instructions|requirements)|as requested|the requested|(?:the|your) (?:brief"
    r"|guidelines))",
    r"希望(?:这|這|本|以上|对|對|能(?:够)?(?:对|帮|满足)|您|你(?:喜欢|满意|能)|内容|內容)[^\n]{0,40}?(?:帮助"
    r"|幫助|满足|滿足|符合|满意|滿意|喜欢|喜歡|有用|需求|要求)",
    r"如(?:果|有|需|您|你)[^\n]{0,40}?(?:告诉我|告訴我|告知|随时|隨時|请(?:让我|提|说)|請|联系我|提出|我可以|我会)",
    r"(?:请|請)(?:告诉|告訴|告知|随时|隨時|让我|讓我)[^\n]{0,60}?(?:继续|繼續|修改|调整|調整|需要|是否|知道"
    r"|补充)|(?:需要|要)我(?:继续|繼續|再|为|為|接着)|(?:您|你)?(?:是否)?(?:需要|希望|想要?)(?:我|让我)(?:继续"
    r"|繼續|修改|调整|补充|扩展)"
    r"|是否(?:需要|继续|要)(?:我|继续|调整|修改)|以上(?:就)?(?:是|为|為)[^\n]{0,30}?(?:内容|內容|全文|正文"
    r"|[节節章]|部分)|(?:本|全)[节節章文](?:约|共|字数)\d+字",
    r"(?:この|以上|本|こちら)[^\n]{0,30}?(?:お役に立|参考になれば|参考になりましたら|ご参考)|(?:何か|ほかに"
    r"|他に|さらに|もし|必要)[^\n]{0,40}?(?:お知らせ|お申し付け|教えて|ください|お声)|(?:続き|続け|次の(?:章|節"
    r"|セクション))[^\n]{0,30}?(?:しょうか|ください)"
    r"|ご(?:希望|要望|不明|質問|意見)[^\n]{0,40}?(?:ください|お知らせ|お願い)|以上(?:です|となります)",
    r"(?:이|도움이|내용이)[^\n]{0,20}?(?:도움이 되|되셨|되길)|(?:더|추가|수정|필요|궁금)[^\n]{0,40}?(?:말씀해"
    r"|알려 ?주|요청해|문의)|계속(?:할까요|해 ?드릴까요| 작성)|다음 (?:섹션|장)[^\n]{0,20}?까요",
    r"ich hoffe,? (?:das|dass (?:dies|das|dieser|der|ihnen|dir)|dies(?:er)?|der (?:text|abschnitt)"
    r"|es)[^\n]{0,60}?(?:hilft|helfen|gefällt|hilfreich|entspricht|nützlich|zufrieden|weiter)",
    r"(?:bitte )?(?:lass(?:en sie)?|gib|geben sie|sag(?:en sie)?|teilen sie) (?:mich|mir"
    r"|es mich)[^\n]{0,40}?(?:wissen|bescheid|mit\b|wenn|ob)|(?:soll ich|möchte(?:n sie|st du)"
    r"|wünschen sie)[^\n]{0,100}\?"
    r"|(?:wenn|falls|sollten) (?:sie|du)[^\n]{0,100}?(?:lass(?:en sie)? (?:es )?mich|gib mir|geben sie mir"
    r"|sag(?:en sie)? (?:es )?mir|melde|kann ich|gerne)|bei (?:weiteren )?(?:fragen|änderungswünschen)",
    r"j'espère que (?:cela|ce|cette|ça|vous|la section|le texte)[^\n]{0,60}?(?:aide|utile|convient|répond|plaî"
    r"|satisf|correspond)|n'hésite[zs]? pas à (?:me|demander|poser|demande|modifier|adapter|revenir)"
    r"|(?:souhaitez|voulez|désirez|souhaites|veux|voudriez|aimeriez)-(?:vous|tu)[^\n]{0,100}\?|(?:dites|dis"
    r"|faites|fais)-(?:moi|le-moi)|si (?:vous|tu) (?:souhaite|voule|veux|désire|ave)[^\n]{0,100}?(?:dites-"
    r"|dis-|n'hésite|faites-|je (?:peux|suis))",
    r"espero que (?:esto|este|esta|te|le|les|sea|haya|el texto|la sección|isso|este|ajude|seja|tenha|o texto"
    r"|a seção)[^\n]{0,60}?(?:ayud|útil|sirva|guste|cumpla|ajud|útil|atenda|goste)"
    r"|(?:avísame|avíseme|hazme saber|házmelo saber|hágame saber|déjame saber|no dudes? en|no dude en|me avise"
    r"|avise-me|me diga|fique à vontade|sinta-se à vontade|não hesite)",
    r"¿(?:te|le|les)?\s?(?:gustaría|quieres|quiere|deseas|desea|necesitas|quisieras)[^\n]{0,100}?(?:continúe"
    r"|siga|que (?:yo )?|ajuste|modifique|cambi|sección)[^\n]{0,100}\?|(?:gostaria|você (?:gostaria|quer"
    r"|deseja)|quer|deseja) que eu"
    r"|si (?:necesitas|quieres|deseas|necesita|desea)[^\n]{0,100}?(?:avísame|dímelo|dime|házmelo|no dudes"
    r"|puedo)|se (?:quiser|precisar|desejar)[^\n]{0,100}?(?:me avise|avise|me diga|posso)",
    r"spero che (?:questo|questa|ti|le|vi|sia|il testo|la sezione)[^\n]{0,60}?(?:aiut|util|soddisf|piac"
    r"|risponda)|(?:fammi|mi faccia|fatemi) sapere|non esitare a (?:chiedere|contatt|farmi)|(?:vuoi|vuole"
    r"|desideri|desidera|vorresti) che (?:io )?(?:continui|modific|aggiung|prosegu)"
    r"|se (?:vuoi|desideri|hai bisogno|vuole)[^\n]{0,100}?(?:fammi|dimmi|posso|chiedi)",
    r"надеюсь,?\s(?:это|этот|данный|вам|что (?:это|этот|данный|текст|раздел)|текст|раздел)|(?:дайте"
    r"|дай) (?:мне )?знать|сообщите(?: мне)?,? если|если (?:вам|вы|у вас|хотите|нужно|необходимо"
    r"|потребуется)[^\n]{0,100}?(?:дайте|сообщите|скажите|напишите|обращайтесь|готов|могу)"
    r"|(?:хотите|желаете|нужно ли|продолжить ли|мне продолжить)[^\n]{0,100}\?",
    r"mam nadzieję,? że (?:to|ten|tekst|pomog)|daj(?:cie)?(?: mi)? znać|czy (?:chcesz|chciał\w*"
    r"|mam)[^\n]{0,80}\?|ik hoop dat (?:dit|deze|het) [^\n]{0,40}?(?:helpt|nuttig|voldoet)"
    r"|laat (?:het )?me (?:het )?weten|wil(?:t u|je) dat ik|hoppas att (?:detta|det)|låt mig veta"
    r"|vill du att jag",
    r"umarım (?:bu|yardımcı)|(?:lütfen )?bana (?:bildir|haber ver)|آمل أن|أخبرني|أعلمني|هل (?:تريد|ترغب|تود)"
    r"|إذا كنت (?:تريد|ترغب|بحاجة)|मुझे (?:उम्मीद|आशा) है|मुझे बताएं|क्या आप चाह|hy vọng (?:phần|bài|điều"
    r"|nội dung)|hãy cho tôi biết|bạn có muốn tôi|semoga (?:ini|bermanfaat|membantu)|beri tahu saya"
    r"|apakah anda ingin",
)
_MORE = (
    r"to be continued|fortsetzung folgt|à suivre|continuará|continua(?: no próximo capítulo)?"
    r"|продолжение следует|далі буде|ciąg dalszy nastąpi|wordt vervolgd"
    r"|fortsättning följer|devam edecek|يتبع|còn tiếp|bersambung|未完待续|未完待續|待续|待續|つづく|続く|계속"
)
# "(To be continued)", with or without brackets around it.
MORE_FOLLOWS = _any(rf"(?:{_MORE})(?: in (?:the )?next [^\n]{{0,20}})?")
# "[End of section]": with brackets, dashes or emphasis around it, or in a line of its own.
ENDS = _any(
    r"(?:the )?end of (?:the |this )?(?:section|chapter|part|document|text|draft|response|article|essay|output"
    r"|excerpt|continuation|answer)[^\n]{0,60}",
    r"(?:this )?(?:section|chapter|part)(?: \d+)? (?:ends(?: here)?|complete[d]?|end)|ende (?:des"
    r"|von) (?:abschnitts?|kapitels?|textes|dokuments?|teils?)[^\n]{0,40}",
    r"fin (?:de (?:la |l')?|du )(?:section|chapitre|partie|texte|document|extrait)[^\n]{0,40}|(?:fin"
    r"|fim) (?:de (?:la |el )?|del? |da |do )(?:sección|capítulo|parte|texto|documento|seção)[^\n]{0,40}"
    r"|fine (?:della |del )(?:sezione|capitolo|parte|testo|documento)[^\n]{0,40}|конец (?:раздела|главы|части"
    r"|текста|документа)[^\n]{0,40}|koniec (?:sekcji|rozdziału|części|tekstu)|einde (?:van )?(?:de "
    r"|het )?(?:sectie|hoofdstuk|tekst)",
    r"(?:本|第.{1,4})?(?:[节節章]|部分|正文|全文)(?:完|结束|結束|到此结束)|(?:全文|本文|正文)(?:完|终)"
    r"|(?:第.{1,4})?(?:節|章|セクション)の?(?:終わり|おわり|終)|(?:섹션|장|본문) 끝|bölüm(?:ün)? sonu"
    r"|نهاية (?:القسم|الفصل|النص)|hết phần[^\n]{0,20}",
)
END_MARKS = _any(r"(?:the )?end|fin|ende|(?:全文|全书)?完|(?:全文|故事)?(?:结束|結束)|终|終|終わり|끝|конец")
# The same, where only brackets tell that the words are no part of the text.
ENDS_IN_BRACKETS = _any(
    END_MARKS,
    r"continue\?|未完|待续",
    r"done|koniec|continued?(?: (?:in|on|with) [^\n]{0,40})?"
    r"|continues?(?: [^\n]{0,40})?|cont'd|section ends?|stop|续|續",
)
STARTS_IN_BRACKETS = _any(
    r"here (?:you go|it is)|(?:text|draft|content) (?:of|for) (?:section|chapter|part) \d+",
    r"(?:start|begin(?:ning)?) of (?:the |this )?(?:section|chapter|part|document|text)[^\n]{0,40}|continued?"
    r"|continuation|cont'd|fortsetzung|suite|continuación|continuação|continuazione|продолжение|续|續|续写|続き"
    r"|계속",
)
# Tags around a whole answer.
TAGS = (
    r"(?:section|text|answer|output|response|document|content|article|story|chapter|essay|draft|final"
    r"|final_answer|result|section_text|section_content|"
    r"written|continuation|body|paragraphs?|prose|reply|rewritten|assistant)"
)
# Languages of a fence around a whole answer, rather than around code.
FENCED_TEXT = _any(r"markdown|md|mdx|text|txt|plain|plaintext|prose")

# Tokens of chat templates: where one stands outside of code, the answer has ended.
TOKENS = (
    r"<\|[a-z][a-z0-9_ ▁-]{0,40}\|>|<｜[^｜<>\n]{1,40}｜>|</?s>|<(?:end_of_turn|start_of_turn|end_of_text"
    r"|endoftext|eos|bos|eot|eop|eom|sep|pad|unk|end|unused\d{1,3})>"
    r"|(?-i:\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|EOS|BOS|gMASK|sop|eop)\])|<</?SYS>>"
)
