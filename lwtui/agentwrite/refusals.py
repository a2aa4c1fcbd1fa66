"""Recognizes an answer that refuses the request instead of following it, in the words that models use."""

from __future__ import annotations

import regex

from lwtui.agentwrite.chatter_phrases import ASKS_FOR_TEXT
from lwtui.text.lazy_pattern import LazyPattern

_LONGEST = 900  # characters; a longer answer is a text
_SORRY = (
    r"(?:(?:i['’]?m|i am|we['’]re|we are)? ?(?:so |very |truly |really )?(?:sorry|afraid)|(?:my )?apologies"
    r"|i (?:sincerely )?apologi[sz]e|unfortunately|i regret"
    r"|(?:thank you|thanks) for [^\n.]{0,60}|i['’]?(?:d| would) (?:like|love) to help|i appreciate [^\n.]{0,60}"
    r"|i understand [^\n.]{0,80}|as an? (?:ai|language model|ai language model|assistant)[^\n.,]{0,60}"
    r"|(?:es |das )?tut mir (?:sehr )?leid|leider|entschuldigung|ich bedauere|als (?:ki"
    r"|sprachmodell)[^\n.,]{0,60}|je suis (?:vraiment )?désolée?|désolée?|je regrette|malheureusement"
    r"|en tant qu[^\n.,]{0,60}"
    r"|lo siento(?: mucho)?|lamento|lamentablemente|desafortunadamente|perdona?|como (?:modelo|ia"
    r"|asistente)[^\n.,]{0,60}|(?:me )?desculpe|sinto muito|infelizmente|peço desculpas?|mi (?:dis)?piace"
    r"|mi spiace|purtroppo|scusa(?:mi)?"
    r"|извините|простите|к сожалению|мне (?:очень )?жаль|вибачте|на жаль|przepraszam|niestety|przykro mi"
    r"|het spijt me|sorry|helaas|tyvärr|jag är ledsen|beklager|desværre|üzgünüm|maalesef|ne yazık ki"
    r"|omlouvám se|bohužel"
    r"|(?:非常|很|十分)?抱歉|对不起|對不起|很遗憾|很遺憾|不好意思|作为(?:一个|一名)?(?:ai|人工智能"
    r"|语言模型)[^\n，。]{0,40}|申し訳(?:ありません|ございません)(?:が)?|すみません(?:が)?|ごめんなさい"
    r"|残念ながら|죄송(?:합니다|하지만)|미안하지만|유감스럽게도"
    r"|عذرًا|عذرا|آسف|أنا آسف|أعتذر|للأسف|क्षमा करें|माफ़ (?:करें|कीजिए)|खेद है|xin lỗi|rất tiếc|maaf|mohon maaf"
    r"|סליחה|מצטער|متأسفم|ขออภัย|ขอโทษ)"
)
_CANNOT = (
    r"(?:(?:i|we) (?:can['’]?t|cannot|can not|won['’]?t|will not|must (?:decline|refuse)|have to (?:decline"
    r"|refuse)|am (?:not able|unable|not permitted|not allowed|not comfortable|not going)|(?:do not"
    r"|don['’]?t) feel comfortable|"
    r"['’]m (?:not able|unable|not comfortable|not going|not permitted|not allowed)|decline|refuse)"
    r"|i['’]m (?:not able|unable|not comfortable|not going|not permitted|not allowed)"
    r"|that['’]?s (?:not )?something i can['’]?t|(?:this|that|your) request (?:violates|goes against)"
    r"|against my (?:guidelines|policy|policies|programming)"
    r"|(?:ich )?(?:kann|darf|werde|möchte) (?:ich )?(?:ihnen |dir |dabei |das |dazu |diese[rsn]? "
    r"|damit )*[^\n.]{0,60}?\bnicht\b|(?:kann|darf|werde|möchte) (?:ich )?[^\n.]{0,60}?\bkeine[nrsm]?\b"
    r"|nicht in der lage"
    r"|je ne (?:peux|puis|pourrai|suis|souhaite)[^\n.]{0,40}?(?:pas|en mesure)|je ne peux|il m['’]est impossible"
    r"|no (?:puedo|podré|me es posible|estoy (?:autorizad|en condiciones))|(?:não|nao) (?:posso|consigo|poderei"
    r"|me é possível|estou)|non (?:posso|potrò|sono in grado|mi è possibile)"
    r"|(?:я )?не (?:могу|смогу|буду|вправе|в состоянии)|не можу|nie (?:mogę|jestem w stanie)|kan (?:ik )?(?:u "
    r"|je |hier |daar )*[^\n.]{0,40}?\bniet\b|(?:jag kan|kan jag) (?:tyvärr )?inte|jeg kan (?:ikke|desværre)"
    r"|nemohu|(?:yardımcı olam|yapam|yazam|sağlayam)\w+"
    r"|(?:我)?(?:无法|無法|不能|不可以|没有办法|沒有辦法|没办法|不便|拒绝|拒絕)|できません|いたしかねます"
    r"|できかねます|お(?:手伝い|答え|応え)(?:すること)?(?:は|が)?(?:できません|出来ません)|(?:할|드릴|도울"
    r"|도와드릴|제공할|작성할) 수 없|(?:하기|드리기) 어렵"
    r"|لا (?:أستطيع|يمكنني|أقدر)|नहीं (?:कर|दे|लिख) (?:सकता|सकती)|(?:सकता|सकती) नहीं|không thể|tidak (?:dapat"
    r"|bisa)|לא (?:יכול|אוכל)|نمی‌?توانم|ไม่สามารถ)"
)
_DO = (
    r"(?:help|assist|write|create|provide|generate|produce|continue|fulfil|comply|complete|engage|discuss"
    r"|support|do (?:that|this|it)|answer|respond|share|offer|participate|proceed|support|accommodate|content"
    r"|request|topic|guidelines|polic|creating|writing|helping|providing"
    r"|helfen|hilf|schreib|erstell|bereitstell|unterstütz|anfrage|erfüll|beantwort|inhalt|aider|écri|rédig"
    r"|fournir|créer|répondre|demande|contenu|ayudar|escribir|crear|proporcionar|generar|cumplir|solicitud"
    r"|contenido|atender"
    r"|ajudar|escrever|fornecer|gerar|cumprir|solicitação|pedido|conteúdo|aiutar|scriver|fornir|crear|generar"
    r"|soddisf|richiesta|contenut|помочь|помогать|напис|созда|предостав|выполн|отве|запрос|допомог|напис|pomóc"
    r"|napis|stworz|prośb|żądan"
    r"|helpen|schrijv|verzoek|hjälp|skriv|begäran|hjælp|pomoci|napsat|yardım|olam|yazam|sağlayam|yapam|帮|幫"
    r"|协助|提供|写|寫|撰|创作|生成|满足|滿足|完成|回答|请求|請求|继续|内容|手伝|応え|答え|作成|書く|提供|対応"
    r"|生成|ご要望|도와|도울|도움|작성|제공|요청|답변|생성"
    r"|مساعد|كتاب|تقديم|تلبية|إنشاء|طلب|मदद|सहायता|लिख|प्रदान|अनुरोध|giúp|viết|cung cấp|yêu cầu|membantu|menulis"
    r"|memberikan|permintaan|לעזור|לכתוב|לסייע|کمک|ช่วย|เขียน)"
)
_START = r"[\s*_#>\"'“‘(\[]*"
_REFUSES = LazyPattern(
    rf"{_START}(?:{_SORRY}[^\n]{{0,120}}?)?\b?{_CANNOT}[^\n]{{0,200}}|{_START}{_SORRY}[^\n]{{0,200}}",
    regex.IGNORECASE,
)
_CANNOT_DO = LazyPattern(
    rf"{_CANNOT}[^\n.。]{{0,120}}?{_DO}|{_DO}[^\n.。]{{0,40}}?{_CANNOT}|(?:nicht|niet)[^\n.]{{0,20}}{_DO}"
    rf"|yardımcı olam|{_DO}[^\n.]{{0,20}}(?:nicht|niet)",
    regex.IGNORECASE,
)

_ASKS_FOR_TEXT = LazyPattern(rf"{_START}{ASKS_FOR_TEXT}", regex.IGNORECASE)


def is_refusal(answer: str) -> bool:
    """Tell whether a whole answer follows no request: a short one that says no, or asks for the text to work on."""
    text = answer.strip()
    if not text or len(text) > _LONGEST or text[0] in '"“«„「—–-':
        return False
    first = text.partition("\n\n")[0]
    refuses = _REFUSES.match(first) is not None and _CANNOT_DO.search(first) is not None
    return refuses or _ASKS_FOR_TEXT.match(first) is not None
