"""An answer that refuses the request is recognized in many languages; a text that speaks of such things is not one."""

from __future__ import annotations

import pytest

from lwtui.agentwrite.refusals import is_refusal


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that request.",
        "I’m sorry, but I can’t assist with that.",
        "I cannot fulfill this request.",
        "Sure, please provide the text of the letter, and I will work it into your document.",
        "Of course! Could you please provide the text so far?",
        "当然，请提供你对减免学费的申请信文本，我将其整合到你的内容中。",
        "Sorry, I can't continue with this.",
        "I am unable to help with that.",
        "As an AI language model, I cannot create that content.",
        "I won't be able to help with this.",
        "I apologize, but I'm not able to provide this content.",
        "Unfortunately, I can't assist with that topic.",
        "I must decline to write this section.",
        "I'm really sorry, but I'm unable to assist with that.\n\nIs there anything else?",
        "I'm not comfortable writing this content.",
        "This request violates my content policy, so I cannot continue.",
        "I can't provide instructions for that. Let me know if there is something else!",
        "**I'm sorry, but I can't help with that.**",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Leider kann ich diese Anfrage nicht erfüllen.",
        "Ich kann dabei nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
        "Lo siento, pero no puedo ayudar con esa solicitud.",
        "Desculpe, mas não posso ajudar com esse pedido.",
        "Mi dispiace, ma non posso aiutarti con questa richiesta.",
        "Извините, но я не могу помочь с этим запросом.",
        "К сожалению, я не могу выполнить этот запрос.",
        "很抱歉，我无法满足您的请求。",
        "对不起，我不能帮助您完成这个请求。",
        "申し訳ありませんが、そのご要望にはお応えできません。",
        "죄송하지만 그 요청은 도와드릴 수 없습니다.",
        "Przepraszam, ale nie mogę pomóc w tej sprawie.",
        "Het spijt me, maar ik kan je daar niet bij helpen.",
        "Tyvärr kan jag inte hjälpa till med det.",
        "Üzgünüm, bu konuda yardımcı olamam.",
        "عذرًا، لا أستطيع مساعدتك في هذا الطلب.",
        "क्षमा करें, मैं इसमें मदद नहीं कर सकता।",
        "Xin lỗi, tôi không thể giúp với yêu cầu này.",
        "Maaf, saya tidak dapat membantu permintaan itu.",
    ],
)
def test_a_refusal_is_recognized(answer: str) -> None:
    assert is_refusal(answer) and is_refusal(f"\n{answer}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello there.",
        "Please provide the details of your journey at the counter.",
        "Sure, he said, and gave her the letter.",
        "当然，树木也提供阴凉。",
        "I'm sorry, he wrote, and went home.",
        "I can't remember the year, but it rained.",
        "“I’m sorry, but I can’t help you,” she said.",
        "Sorry seems to be the hardest word.",
        "Unfortunately, the harbor was closed.",
        "I can't swim.",
        "Leider regnete es.",
        "我不能忘记那个夏天。",
        "Lo siento, dijo él.",
        "The clerk could not help with the request.",
        "Unable to sleep, she read.",
        "No puedo olvidar el mar.",
        "Nobody can help with that.",
        "I'm sorry, but I can't help with that request. " * 30,
    ],
)
def test_a_text_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)
