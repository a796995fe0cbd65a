"""Scraped pages of many languages and layouts, written for these tests: what is article, and that the rest is not."""

# ruff: noqa: E501 (pages are data)
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scraped:
    """A page and its fields; `body` are the first words of each paragraph, all of them."""

    name: str
    page: str
    title: str
    body: tuple[str, ...]
    authors: tuple[str, ...] = ()
    day: str | None = None
    dek: str = ""
    tags: tuple[str, ...] = ()


PAGES = (
    Scraped(
        "de: outlet, sections, role, reading time",
        "Weiser Bote\nMenü\nAnmelden\nAbo\nPolitik\nSport\n\nLokales\n\nHafenkran von Weisen wird nach 90 Jahren abgebaut\n\nDie Stadt will das Gelände zum Park machen\n\nVon Katrin Bähr, Redakteurin\nAktualisiert: 19.11.2026, 18:05 Uhr\nLesezeit: 3 Min.\n\nTeilen\nMerken\nDrucken\n\nFoto: Uwe Kranz/dpa\n\nDer letzte Hafenkran von Weisen wird im Frühjahr abgebaut, wie die Stadt am Donnerstag mitteilte.\n\nLesen Sie auch: Brücke über die Weise bleibt gesperrt\n\nDas Gelände soll ein Park werden. „Wir haben lange gerechnet“, sagte der Kämmerer.\n\nJetzt für den Newsletter anmelden\n\nKommentare (14)\n\nMeistgelesen\n1\nKatze sitzt im Rathaus\n2\nUhr geht nach\n\n© 2026 Weiser Bote\nImpressum\nDatenschutz",
        "Hafenkran von Weisen wird nach 90 Jahren abgebaut",
        ("Der letzte Hafenkran von Weisen", "Das Gelände soll ein Park werden."),
        ("Katrin Bähr",),
        "2026-11-19",
        "Die Stadt will das Gelände zum Park machen",
    ),
    Scraped(
        "fr: date and update on one line, read also alone",
        "La Gazette de Montclair\n\nAccueil\nRechercher\nSe connecter\nS'abonner\n\nÉconomie\n\nLa dernière fabrique de cordes de Montclair ferme ses portes\n\nPar Élise Moreau et Karim Benali\nPublié le 19 novembre 2026 à 10h32, mis à jour le 20 novembre 2026 à 9h05\n\nPartager sur Facebook\nEnvoyer par mail\n\nCrédit photo : Léo Vasseur / AFP\n\nLa dernière fabrique de cordes de Montclair fermera à la fin du mois, a annoncé sa direction jeudi.\n\nÀ lire aussi :\nLe port de Montclair cherche un repreneur\n\nQuarante et un salariés y travaillent encore. « Nous n'avons rien vu venir », dit l'un d'eux.\n\nAbonnez-vous à notre newsletter\n\n8 commentaires\n\nLes plus lus\nUn chien élu maire d'un jour\nLa pluie attendue samedi\n\nTous droits réservés\nMentions légales",
        "La dernière fabrique de cordes de Montclair ferme ses portes",
        ("La dernière fabrique de cordes", "Quarante et un salariés"),
        ("Élise Moreau", "Karim Benali"),
        "2026-11-19",
    ),
    Scraped(
        "es: place after the name, relative update",
        "El Diario de Puerto Hondo\nInicio\nBuscar\nIniciar sesión\n\nCultura\n\nEl teatro de Puerto Hondo reabre con una obra de 1891\n\nLa restauración costó seis años y cuatro directores\n\nLucía Ferrán | Puerto Hondo\njueves, 19 de noviembre de 2026, 10:32 h\nActualizado hace 3 horas\n\nCompartir\nCopiar enlace\n\nEl teatro municipal de Puerto Hondo abrió sus puertas el jueves con una comedia que nadie había visto en más de un siglo.\n\nLea también: El faro busca farero\n\nLas butacas son nuevas, pero el telón es el de entonces, según la directora.\n\nSuscríbete a nuestro boletín\nComentarios\n\nLo más leído\nUn gato cruza la frontera\nLlueve en domingo\n\nEtiquetas: Teatro, Patrimonio",
        "El teatro de Puerto Hondo reabre con una obra de 1891",
        ("El teatro municipal de Puerto Hondo", "Las butacas son nuevas"),
        ("Lucía Ferrán",),
        "2026-11-19",
        "La restauración costó seis años y cuatro directores",
        ("Teatro", "Patrimonio"),
    ),
    Scraped(
        "it: di and role, number list with dots",
        "Cronaca\n\nIl ponte di Valfonda chiude per tre mesi\n\ndi Marco Savelli\n19 Novembre 2026\n4 minuti di lettura\n\nCondividi\n\nIl ponte sul torrente chiuderà lunedì alle sei, ha deciso il consiglio comunale di Valfonda.\n\nLeggi anche: Il mulino torna a girare\n\nLe corriere passeranno dalla strada vecchia, più lunga di undici chilometri.\n\nIscriviti alla newsletter\n\nI più letti\n1. Il sindaco perde le chiavi\n2. Nevica sul passo\n\nRiproduzione riservata",
        "Il ponte di Valfonda chiude per tre mesi",
        ("Il ponte sul torrente", "Le corriere passeranno"),
        ("Marco Savelli",),
        "2026-11-19",
    ),
    Scraped(
        "pt: ambiguous numeric date of a language that writes the day first",
        'Folha da Serra\nBusca\nEntrar\n\nEscola da Serra troca o sino por música\n\nPor Inês Tavares, da Serra\nPublicado em 05/11/2026 às 14h20\n\nCompartilhar no WhatsApp\n\nFoto: Rui Prado/Divulgação\n\nA escola municipal da Serra trocou o sino do recreio por uma canção diferente a cada dia.\n\nVeja também\nMercado ganha telhado novo\n\nOs alunos escolhem a música às sextas-feiras. "Hoje foi fado", contou a diretora.\n\nDeixe seu comentário\n\nMais lidas\nVaca passeia na praça',
        "Escola da Serra troca o sino por música",
        ("A escola municipal da Serra", "Os alunos escolhem"),
        ("Inês Tavares",),
        "2026-11-05",
    ),
    Scraped(
        "nl: name above its role, later list",
        "De Polderkrant\nZoeken\nInloggen\n\nBinnenland\n\nMolen van Oostdijk draait weer na brand\n\nJan de Wit\nVerslaggever\n\n19 november 2026 om 10.32 uur\n\nDeel dit artikel\nBewaar\n\nDe molen van Oostdijk draait sinds donderdag weer, twee jaar na de brand die de kap verwoestte.\n\nLees ook: Nieuwe dijk is klaar\n\nVrijwilligers bouwden de wieken in een schuur. „Het was koud”, zegt de molenaar.\n\nMeld je aan voor de nieuwsbrief\n\nReacties (3)\n\nMeest gelezen\nSchaap op de snelweg\nIJs verwacht",
        "Molen van Oostdijk draait weer na brand",
        ("De molen van Oostdijk draait", "Vrijwilligers bouwden"),
        ("Jan de Wit",),
        "2026-11-19",
    ),
    Scraped(
        "ru: author label, popular list",
        "Вестник Заречья\nМеню\nПоиск\nВойти\n\nОбщество\n\nВ Заречье открыли библиотеку в старом трамвае\n\n19 ноября 2026 г., 10:32\nАвтор: Ирина Соколова\n\nПоделиться\n\nФото: Пётр Лунин / ТАСС\n\nВ Заречье в четверг открылась библиотека в трамвае, который простоял в депо сорок лет.\n\nЧитайте также: Паром вернётся весной\n\nКниги подарили жители. Работать трамвай будет до восьми вечера, сообщили в мэрии.\n\nПодписывайтесь на наш канал\n\nКомментарии (5)\n\nСамое читаемое\nКот стал почтальоном\nСнег выпал в мае\n\nТеги: библиотека, трамвай",
        "В Заречье открыли библиотеку в старом трамвае",
        ("В Заречье в четверг открылась", "Книги подарили жители."),
        ("Ирина Соколова",),
        "2026-11-19",
        tags=("библиотека", "трамвай"),
    ),
    Scraped(
        "pl: published and updated labels",
        "Głos Podlesia\nMenu\nZaloguj się\n\nKultura\n\nOrkiestra z Podlesia zagra na stacji kolejowej\n\nAnna Lipska\nOpublikowano: 19 listopada 2026, 10:32 Aktualizacja: 20 listopada 2026\n\nUdostępnij\n\nOrkiestra z Podlesia zagra w sobotę na stacji, bo dom kultury jest w remoncie.\n\nCzytaj także: Most zamknięty do maja\n\nPociągi będą stawały ciszej, obiecał zawiadowca.\n\nZapisz się na newsletter\n\nNajczęściej czytane\nBocian wrócił za wcześnie",
        "Orkiestra z Podlesia zagra na stacji kolejowej",
        ("Orkiestra z Podlesia zagra w sobotę", "Pociągi będą stawały"),
        ("Anna Lipska",),
        "2026-11-19",
    ),
    Scraped(
        "tr: entry and update dates",
        "Körfez Postası\nAna Sayfa\nAra\nGiriş Yap\n\nYerel\n\nKörfez vapuru kırk yıl sonra yeniden seferde\n\nHaber: Elif Yıldız\nGiriş: 19.11.2026 - 10:32 Güncelleme: 19.11.2026 - 11:00\n\nPaylaş\n\nKörfez vapuru perşembe sabahı ilk seferini yaptı ve iskelede kalabalık bir grup tarafından karşılandı.\n\nAyrıca okuyun: Fener boyandı\n\nBilet fiyatları yaz sonuna kadar değişmeyecek, dedi kaptan.\n\nBültenimize abone olun\n\nYorumlar (2)\n\nEn çok okunanlar\nMartı simit çaldı",
        "Körfez vapuru kırk yıl sonra yeniden seferde",
        ("Körfez vapuru perşembe sabahı", "Bilet fiyatları yaz sonuna"),
        ("Elif Yıldız",),
        "2026-11-19",
    ),
    Scraped(
        "ja: reporter suffix, ranking",
        "港町新聞\nメニュー\nログイン\n\n地域\n\n港町の灯台、夜間公開を再開へ\n\n2026年11月19日 10時32分 更新：2026年11月20日\n山田太郎 記者\n\nシェア\n印刷\n\n写真＝鈴木一郎\n\n港町の灯台が来週から夜間も公開される。町が木曜日に発表した。\n\n関連記事：渡し船が冬も運航\n\n入場は無料で、案内は地元の高校生が務めるという。\n\nメールマガジン登録はこちら\nコメント（12）\n\n人気記事ランキング\n1\n猫が駅長に\n2\n雪の朝\n\n無断転載を禁じます",
        "港町の灯台、夜間公開を再開へ",
        ("港町の灯台が来週から", "入場は無料で"),
        ("山田太郎",),
        "2026-11-19",
    ),
    Scraped(
        "zh: source and author on the date line",
        "首页\n新闻\n登录\n\n社会\n\n河口镇旧码头改建为公园\n\n2026-11-19 10:32 来源：河口日报 作者：王小明\n\n分享到微信\n字号 大 中 小\n\n图片来源：河口镇政府\n\n河口镇旧码头将于明年春天改建为公园，镇政府周四公布了方案。\n\n相关阅读：渡轮恢复夜航\n\n工程预计持续十四个月，期间居民可以走北侧的小路。\n\n订阅我们的电子报\n评论（3）\n\n热门文章\n1\n猫当上站长\n\n版权所有 未经授权不得转载",
        "河口镇旧码头改建为公园",
        ("河口镇旧码头将于明年春天", "工程预计持续十四个月"),
        ("王小明",),
        "2026-11-19",
    ),
    Scraped(
        "ar: by label, read also, most read",
        "صحيفة المرفأ\nالرئيسية\nبحث\nتسجيل الدخول\n\nمجتمع\n\nعودة العبارة القديمة إلى العمل بعد عشر سنوات\n\nبقلم: محمد الأمين\nالخميس 19 نوفمبر 2026 - 10:32\n\nمشاركة\nطباعة\n\nصورة: أحمد سالم\n\nعادت العبارة القديمة إلى العمل صباح الخميس بعد توقف دام عشر سنوات.\n\nاقرأ أيضاً: جسر جديد فوق القناة\n\nوقال القبطان إن الرحلة ستكون مجانية حتى نهاية الشهر.\n\nاشترك في النشرة البريدية\nالتعليقات (4)\n\nالأكثر قراءة\nقط يدير المحطة\n\nجميع الحقوق محفوظة",
        "عودة العبارة القديمة إلى العمل بعد عشر سنوات",
        ("عادت العبارة القديمة", "وقال القبطان"),
        ("محمد الأمين",),
        "2026-11-19",
    ),
    Scraped(
        "en: share lines before the dek, author in a place, up next",
        "Home\nNews\nSport\nThe Norholm Times\nSign in\n\nPublished: 10:32 EST, 19 November 2026 | Updated: 11:00 EST, 19 November 2026\n\nNorholm votes to keep its last tram line\n\nShare on Facebook\nPrint\n\nThe line lost money every year since 1988\n\nBy Petra van der Meer in Norholm\n\nThe town council voted on Thursday to keep the last tram line running for at least five years.\n\nRead more:\nThe depot that time forgot\n\nTickets will cost a crown more from March. “I shall walk,” said one resident.\n\nUp next\nA crane that never creaked\n\nSign up for our newsletter\n12 comments",
        "Norholm votes to keep its last tram line",
        ("The town council voted", "Tickets will cost"),
        ("Petra van der Meer",),
        "2026-11-19",
        "The line lost money every year since 1988",
    ),
    Scraped(
        "en: relative time, by on a line of its own, popular list with ranks",
        "Business\n\nRope maker to close after a century\n\nBy\nJonas Ekdal\n3 hours ago\n4 min read\n\nThe last rope maker on the coast will close at the end of the month, its owner said.\n\nRead more: Harbour seeks a buyer\n\nForty people still work there, and nobody had warned them.\n\nMost Popular in Business\n1.\nDog elected mayor\n2.\nRain on Saturday",
        "Rope maker to close after a century",
        ("The last rope maker", "Forty people still work"),
        ("Jonas Ekdal",),
    ),
    Scraped(
        "ko: input date, reporter suffix",
        "메뉴\n검색\n로그인\n\n사회\n\n항구 마을 등대 밤에도 문 연다\n\n김철수 기자\n입력 2026.11.19. 오전 10:32\n\n공유하기\n\n항구 마을의 등대가 다음 주부터 밤에도 문을 연다고 군청이 목요일 밝혔다.\n\n관련기사: 나룻배 겨울에도 운항\n\n입장은 무료이며 안내는 지역 고등학생들이 맡는다.\n\n댓글 3\n\n많이 본 뉴스\n고양이 역장 취임",
        "항구 마을 등대 밤에도 문 연다",
        ("항구 마을의 등대가", "입장은 무료이며"),
        ("김철수",),
        "2026-11-19",
    ),
    Scraped(
        "hi: writer label, danda",
        "होम\nखोजें\nलॉग इन\n\nसमाज\n\nपुराना पुल फिर से खुला, गाँव में खुशी\n\nलेखक: राम शर्मा\n19 नवंबर 2026, 10:32 बजे\n\nशेयर करें\n\nगाँव का पुराना पुल गुरुवार को फिर से खुल गया और सैकड़ों लोग उसे देखने आए।\n\nयह भी पढ़ें: नाव सेवा जारी रहेगी\n\nमरम्मत में चौदह महीने लगे और खर्च गाँव ने उठाया।\n\nसबसे ज्यादा पढ़े गए\nबिल्ली बनी स्टेशन मास्टर",
        "पुराना पुल फिर से खुला, गाँव में खुशी",
        ("गाँव का पुराना पुल", "मरम्मत में चौदह महीने"),
        ("राम शर्मा",),
        "2026-11-19",
    ),
)
