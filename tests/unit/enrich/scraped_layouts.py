"""Layouts of pages with one article in thirteen languages: (language, layout, authors, day). Written for these tests."""

# ruff: noqa: E501 (pages are data)
from __future__ import annotations

BODIES = {
    "de": (
        "Der Stadtrat hat am Donnerstag beschlossen, die Brücke neu zu bauen, und zwar aus Beton.",
        "Die Arbeiten beginnen im März und dauern vierzehn Monate, sagte die Dezernentin.",
    ),
    "fr": (
        "Le conseil municipal a voté jeudi la reconstruction du pont, attendue depuis onze ans.",
        "Les travaux commenceront en mars, selon la mairie.",
    ),
    "es": (
        "El ayuntamiento aprobó el jueves la reconstrucción del puente, esperada desde hace once años.",
        "Las obras empezarán en marzo, según la alcaldesa.",
    ),
    "ru": (
        "Городской совет в четверг решил построить новый мост через канал.",
        "Работы начнутся в марте, сообщили в мэрии.",
    ),
    "zh": ("镇议会周四决定重建运河上唯一的桥梁，工程三月开始。", "工程预计持续十四个月，期间渡船每十分钟一班。"),
    "ar": (
        "قرر مجلس المدينة يوم الخميس إعادة بناء الجسر الوحيد فوق القناة.",
        "وستبدأ الأعمال في مارس وتستمر أربعة عشر شهرا.",
    ),
    "ja": (
        "町議会は木曜日、唯一の橋を架け替えることを賛成多数で決めた。",
        "工事は三月に始まり十四か月かかる見込みだ。",
    ),
    "tr": (
        "Belediye meclisi perşembe günü tek köprünün yeniden yapılmasına karar verdi.",
        "Çalışmalar martta başlayacak ve on dört ay sürecek.",
    ),
    "pl": (
        "Rada miasta zdecydowała w czwartek o odbudowie jedynego mostu na kanale.",
        "Prace zaczną się w marcu i potrwają czternaście miesięcy.",
    ),
    "en": (
        "The town council voted on Thursday to rebuild the only bridge over the canal.",
        "Work begins in March and will take fourteen months, engineers said.",
    ),
    "it": (
        "Il consiglio comunale ha deciso giovedì di ricostruire l'unico ponte sul canale.",
        "I lavori inizieranno a marzo e dureranno quattordici mesi.",
    ),
    "nl": (
        "De gemeenteraad besloot donderdag de enige brug over het kanaal te herbouwen.",
        "Het werk begint in maart en duurt veertien maanden.",
    ),
    "pt": (
        "A câmara decidiu na quinta-feira reconstruir a única ponte sobre o canal.",
        "As obras começam em março e duram catorze meses.",
    ),
}
TITLES = {
    "de": "Stadtrat beschließt neue Kanalbrücke",
    "fr": "Le conseil vote la reconstruction du pont",
    "es": "El ayuntamiento aprueba un nuevo puente",
    "ru": "Совет решил построить новый мост",
    "zh": "镇议会决定重建运河桥",
    "ar": "مجلس المدينة يقرر إعادة بناء الجسر",
    "ja": "運河の橋、架け替えへ",
    "tr": "Meclis yeni köprü için karar aldı",
    "pl": "Rada zdecydowała o nowym moście",
    "en": "Council votes to rebuild canal bridge",
    "it": "Il consiglio vota il nuovo ponte",
    "nl": "Gemeenteraad kiest voor nieuwe brug",
    "pt": "Câmara decide construir nova ponte",
}
LAYOUTS: tuple[tuple[str, str, tuple[str, ...], str | None], ...] = (
    (
        "de",
        "Startseite › Nachrichten › Lokales\n\nKANALBRÜCKE\n{t}\n\n19.11.2026 | 10:32 Uhr\nVon unserem Redakteur Jens Vogt\n\nArtikel vorlesen\n\nBild: Uwe Kranz\n\n{a}\n\nMehr zum Thema\nFähre ersetzt Brücke\nZug fährt wieder\n\n{b}\n\nDas könnte Sie auch interessieren:\nHund im Rathaus\n\nQuelle: dpa",
        ("Jens Vogt",),
        "2026-11-19",
    ),
    (
        "fr",
        "ACTUALITÉ > RÉGION\n\n{t}\n\nLe 19/11/2026 à 10:32\nPar Camille Durand avec AFP\nTemps de lecture : 3 min\n\n{a}\n\nLire aussi : Le bac remplacera le pont\n\n{b}\n\nLire la suite\n\nCommentaires (3)\nVous devez être connecté pour commenter\n\nÀ la une\nUn chien maire",
        ("Camille Durand",),
        "2026-11-19",
    ),
    (
        "es",
        "Inicio / Sociedad / {t}\n\n{t}\n\nRedacción | 19/11/2026 - 10:32h\n\nFacebook Twitter WhatsApp\n\n{a}\n\n{b}\n\nTe puede interesar\nEl barco vuelve\n\nArchivado en: Puentes · Obras",
        (),
        "2026-11-19",
    ),
    (
        "es",
        "{t}\n\nPor: Ana Gómez @anagomez\nActualizado el 19/11/2026 a las 10:32\n\nFoto: EFE\n\n{a}\n\nMás noticias: El barco vuelve\n\n{b}\n\nComentarios (2)",
        ("Ana Gómez",),
        "2026-11-19",
    ),
    (
        "ru",
        "Главная\nНовости\nОбщество\n\n{t}\n\n19 ноября, 10:32\nИрина Соколова\nЧитать 2 мин.\n\n{a}\n\nМатериалы по теме:\nПаром вернётся весной\n\n{b}\n\nИсточник: ТАСС\n\nПодпишитесь на рассылку\nЛента новостей\n10:15\nКот стал почтальоном",
        ("Ирина Соколова",),
        None,
    ),
    (
        "zh",
        "新闻中心 > 社会\n\n{t}\n\n记者 王小明 2026年11月19日10:32\n\n【字体：大 中 小】\n\n{a}\n\n{b}\n\n（责任编辑：李华）\n\n延伸阅读\n渡轮恢复夜航",
        ("王小明",),
        "2026-11-19",
    ),
    (
        "ar",
        "الرئيسية / أخبار / مجتمع\n\n{t}\n\nنُشر في: 19/11/2026 - 10:32\nمحمد الأمين - القاهرة\n\nحجم الخط\n\n{a}\n\nشاهد أيضاً: عودة العبارة\n\n{b}\n\nالوسوم: جسر، قناة\n\nالأكثر مشاهدة\nقط في المحطة",
        ("محمد الأمين",),
        "2026-11-19",
    ),
    (
        "tr",
        "HABERLER\n\n{t}\n\n19.11.2026 10:32 | Son Güncelleme: 19.11.2026 11:00\nKaynak: AA\n\nYazı boyutu\n\n{a}\n\nİLGİLİ HABER\nFener boyandı\n\n{b}\n\nEtiketler: köprü, kanal",
        (),
        "2026-11-19",
    ),
    (
        "pl",
        "{t}\n\nAutor: Anna Lipska • 19.11.2026, 10:32\n\nUdostępnij na Facebooku\n\nfot. Jan Nowak / PAP\n\n{a}\n\nCZYTAJ TEŻ:\nMost zamknięty\n\n{b}\n\nŹródło: PAP\n\nTagi: most, kanał",
        ("Anna Lipska",),
        "2026-11-19",
    ),
    (
        "en",
        "BBC-like\nHome\nNews\n\n{t}\n\nPublished\n2 hours ago\n\nShare\nSave\n\nJane Doe\nNorth of England reporter\n\nImage source, Getty Images\nImage caption, The bridge on Thursday\n\n{a}\n\nMore on this story\nFerry to replace bridge\n\n{b}\n\nRelated topics\nBridges\nCanals\n\nTop stories\nDog elected",
        ("Jane Doe",),
        None,
    ),
    (
        "it",
        "Home > Cronaca\n\n{t}\n\nDi Redazione\n19 nov 2026 - 10:32\n\n{a}\n\nLEGGI ANCHE > Il traghetto torna\n\n{b}\n\n© RIPRODUZIONE RISERVATA",
        (),
        "2026-11-19",
    ),
    (
        "pt",
        "Início › Local\n\n{t}\n\nInês Tavares\n19 Nov 2026 10:32\n\nPartilhar\n\n{a}\n\nVeja também: O barco voltou\n\n{b}\n\nPróxima notícia\nVaca na praça",
        ("Inês Tavares",),
        "2026-11-19",
    ),
)
