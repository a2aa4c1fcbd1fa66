"""Abbreviations and other words before and after a full stop that tell whether it ends a sentence.

Before a lower-case word or a number no full stop ends one, so that only abbreviations are listed here that stand before
names and other capitals. Words that are often the last of a sentence, such as "no", "fig" or "art", are left out.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    """Return the words of ``text``, and those that are in lower case with a capital, too."""
    words = text.split()
    return frozenset([*words, *(word[0].upper() + word[1:] for word in words if word.islower())])


# Titles, and words that introduce something. They end no sentence.
INTRODUCING = _words(
    # English
    "Mr Mrs Ms Mx Dr Prof St Ste Mt Ft Gen Col Capt Cpt Cmdr Lt Sgt Cpl Maj Adm Rev Hon Sen Rep Gov Pres Supt Messrs "
    "vs e.g i.e eg ie viz cf approx Fig Figs Eq Eqs Sec Ch Vol Vols pp No Nos Nr Art Ave Blvd Rd Dept Univ trans "
    # German
    "Hr Hrn Fr Frl Dipl Ing Mag Dkfm bzw ca vgl evtl ggf sog inkl exkl zzgl zz z.B d.h u.U o.g i.d.R i.A i.V s.o "
    "Abb Bd Bde Tab Kap Anm Hrsg hrsg verh geb gest Jh Str Tel Nr St Sankt lfd allg bes insb gem lt max min mind "
    # French
    "M MM Mme Mmes Mlle Mlles Mgr Me Pr Vve env apr chap ch coll éd p.ex c.-à-d c.à.d ex "
    # Spanish, Catalan, Galician and Portuguese
    "Sr Sra Sres Sras Srta Dña Ud Uds Vd Vds pág págs p.ej ej Excmo Excma Exmo Exma Lic Arq Dra Drs Profa Av av Avda "
    # Italian and Romanian
    "Eng Sig Sigg Sig.ra Sig.na Dott Dott.ssa Prof.ssa Avv Geom Arch Egr Gent Spett dl dna dvs dra "
    # Dutch, Danish, Norwegian and Swedish
    "dhr mevr mw drs ir mr bijv bv o.a m.b.t t.a.v nl zgn resp f.eks bl.a t.ex s.k dvs jf jfr ang hr fru kl tlf "
    # Polish, Czech, Slovak, Slovene and Croatian
    "np tj tzn tzw prof hab inż mgr lek ul al św płk gen im ks red wg ds por zob "
    "např tzv resp MUDr JUDr PhDr RNDr Mgr Bc Ing doc sv pí čj napr tzv npr oz dipl akad g gđa "
    # Russian, Ukrainian, Bulgarian and Serbian
    "см ср напр т.е т.н т.к т.зв др. ул пр просп пл им проф акад доц инж ред рис табл гл разд обл гр гн св ст вул ім "
    "див зв о. е. нпр тј "
    # Turkish, Hungarian, Finnish, Estonian, Latvian, Lithuanian, Greek and Albanian
    "Doç Yrd Sn Cad Sok Mah Apt Alb örn bkz ör pl vö ún ill id dr esim ks mm. nk nn nt nö s.o hra rva näit lk pvz t.y "
    "piem t.i δηλ βλ πχ π.χ κ κα "
    # Vietnamese, Indonesian, Tagalog, Hindi, Thai and Arabic
    "TS ThS GS PGS TP Tp BS Bpk Yth Jl Drs Ir Gng G डॉ श्री प्रो पं सं कु ดร ผศ รศ นพ พญ พล "
) - _words("ill no No id im ex al ds lek e. o. др. mm.")

# These end one where the next word cannot belong to them.
BEFORE_NAMES = _words("al Inc Ltd Co Corp Bros Jr Chr C.V B.V S.A S.A.S GmbH Ph.D M.D B.A M.A Lda Cía Kft Zrt Sp")

# The end of a list, a time or a year. They end a sentence where a capital follows.
CLOSING = _words(
    "etc usw usf etc.pp u.Ä o.Ä a.m p.m A.M P.M enz osv m.fl m.m o.s.v o.l ecc itd itp atd apod atp stb jne ym yms "
    "т.д т.п др пр др.под κ.λπ κ.ά κλπ vb v.b v.v dll dsb ș.a ș.a.m.d c.d ін тощо т.н руб тыс млн млрд грн"
)
# Their last letters, where they are written with spaces: "т. д.", "p. m."
CLOSING_LETTERS = frozenset(["т д", "т п", "u Ä", "o Ä", "a m", "p m", "s v", "κ ά", "v v", "ș a", "н э", "a C", "d C"])

# A sentence that begins with one of these goes on with no name.
SENTENCE_STARTERS = _words(
    "The This That These Those It Its He She They We You His Her Their Our My In On At But And So Then There When "
    "While If After Before Although However Now Here What Why How For From With As Yet Both Each Some Many Most All "
    "Der Die Das Ein Eine Er Sie Es Wir Ihr Und Aber Dann Doch Im Am Dort Hier Nach Seit Auch Nur Als Wenn Diese "
    "Le La Les Un Une Il Elle Ils Elles On Nous Mais Et Puis Dans Ce Cette Ces El Los Las Una Ella Ellos Pero Luego "
    "Este Esta O Os As Um Uma Ele Ela Mas Depois Gli Lo Ma Poi Questo Questa Het Een Hij Zij Ze Maar Toen Dit Dat "
    "Он Она Они Оно Это Этот Эта Мы Но Потом Затем Там Тогда После Вот Все Его Её Их Він Вона Вони Це Ми Але Потім"
)

# Before a number they make it an ordinal: "am 3. Oktober", "im 19. Jahrhundert".
BEFORE_ORDINALS = _words(
    "am im der die das den dem des vom zum zur beim ab bis seit dieser diesem jeder jedem ein eine einem einer einen "
    "und oder ihr ihre ihren sein seine seinen unser mein kapitel auf in det"
)

# The beginnings of months, in the languages that write the number of a day with a full stop before a capital.
MONTHS = _words(
    "Januar Jänner Februar Feber März Mai Juni Juli August September Oktober November Dezember Jan Feb Mär Apr April "
    "Jun Jul Aug Sep Sept Okt Nov Dez January February March May June July October December Mar Oct Dec "
    "Jannewar Mäerz Abrëll Mei Maart Januari Februari Augustus Augusti "
    "Tammikuu Helmikuu Maaliskuu Huhtikuu Toukokuu Kesäkuu Heinäkuu Elokuu Syyskuu Lokakuu Marraskuu Joulukuu "
    "Jaanuar Veebruar Märts Aprill Juuni Juuli Oktoober Detsember Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos "
    "Eylül Ekim Kasım Aralık Siječnja Veljače Ožujka Travnja Svibnja Lipnja Srpnja Kolovoza Rujna Listopada Studenoga "
    "Prosinca Januára Marts"
)
