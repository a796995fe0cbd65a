"""Closed word sets used to classify names. All lower case."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES: Final = _words("""
    mr mrs ms miss mx dr prof professor sir dame lord lady baroness baron count countess duke duchess king queen
    prince princess pope president vice-president premier chancellor minister secretary senator sen rep congressman
    congresswoman governor gov mayor councillor judge justice chief general gen colonel col captain capt major maj
    lieutenant lt sergeant sgt admiral commander marshal rev reverend father archbishop bishop cardinal rabbi imam
    ayatollah sheikh emir sultan emperor empress saint chairman chairwoman chair director ceo coach manager herr
    frau madame monsieur senhor senhora senor señor doña don
""")
"""Capitalised words before a person's name that are not part of it."""

ROLES: Final = _words("""
    sociologist economist analyst journalist reporter editor author writer novelist poet historian scientist
    researcher lawyer attorney activist politician lawmaker leader spokesman spokeswoman spokesperson actor actress
    singer musician composer drummer guitarist director producer player striker goalkeeper midfielder coach captain
    manager founder co-founder chairman chairwoman chief officer doctor nurse teacher professor artist painter
    architect engineer farmer businessman businesswoman billionaire entrepreneur investor candidate president
    premier minister mayor judge prosecutor detective victim suspect widow wife husband son daughter brother sister
    father mother friend colleague presenter host comedian photographer physicist chemist biologist mathematician
    philosopher
""")
"""Lower-case words before a person's name."""

SPEAKS: Final = _words("""
    said says told tells added adds argued argues explained explains warned warns wrote writes tweeted claimed
    claims insisted recalled replied asked noted
""")
"""Words after or before a person's name."""

ORGANISATION: Final = _words("""
    house centre center institute institution university college school academy foundation association society union
    federation confederation league club council commission committee agency authority bureau department ministry
    office court tribunal parliament assembly congress senate party army navy force forces police bank group company
    corporation corp inc ltd plc llc co gmbh ag sa records entertainment pictures studios studio press times post
    journal herald gazette guardian news network television radio broadcasting airlines airways motors industries
    holdings partners capital fund trust hospital church museum orchestra band team united city rovers wanderers
    athletic alliance coalition movement front brigade organisation organization nations bundesbank verein verband
    partei ministerium université universidade universidad ministère partido banco banque conseil communications
    systems technologies software laboratories services international brothers community
""") - _words("city")
"""Words that mark a multi-word name as an organisation."""

ACRONYMS: Final = _words("""
    nato un eu who imf wto unesco unicef unhcr opec fbi cia nsa nasa nhs bbc cnn nbc abc cbs itv ard zdf afp ap dpa
    reuters ibm bmw bp hsbc ubs aol amd att ge gm hp vw fifa uefa nba nfl nhl mlb ioc acm ieee mit ucla osce ecb fed
    kgb fsb mi5 mi6 sec epa fda ftc cdu csu spd fdp afd snp dup ira plo isis hamas hezbollah taliban kremlin
    pentagon interpol europol greenpeace google microsoft apple amazon facebook twitter meta tesla boeing airbus
    siemens toyota samsung sony intel oracle nokia youtube wikipedia openai gazprom rosneft
""")
"""Well-known single-word organisations."""

PLACE: Final = _words("""
    river lake mount mountain mountains sea ocean bay gulf strait island islands peninsula valley desert county
    province region district street road avenue square bridge airport station park beach harbour harbor canal coast
    hills creek falls forest highway boulevard
""")
"""Words that mark a multi-word name as a place."""

PLACE_PREPOSITIONS: Final = _words("in at from near to around outside of for via into inside across throughout")
"""Words before the name of a place."""

PLACE_BEFORE: Final = _words(
    "lake mount river gulf cape port fort san santa saint st los las new north south east west"
)

DEMONYMS: Final = _words("""
    english french german russian spanish chinese british american european african asian arab soviet japanese italian
    indian canadian australian irish scottish welsh dutch swedish norwegian danish finnish polish ukrainian turkish
    greek israeli palestinian iranian iraqi korean mexican brazilian roman ottoman austrian swiss belgian portuguese
    hungarian romanian czech egyptian pakistani
""")
"""Adjectives that begin names of organisations and states: `European Union`."""

STATES: Final = _words("empire kingdom republic confederation union")
"""Words that, after an adjective, make the name of a state."""

NO_NAMES: Final = _words("""
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december i i'm i've i'd i'll christmas easter english french german russian spanish
    chinese american british european african asian christian muslim jewish catholic islamic arab soviet western
    eastern northern southern internet bible god tv dvd cd pc uk's olympic olympics nazi nobel covid covid-19
    republican democrat democratic conservative labour liberal japanese italian indian canadian australian irish
    scottish welsh dutch swedish norwegian danish finnish polish ukrainian turkish greek latin israeli palestinian
    iranian iraqi korean mexican brazilian americans russians ukrainians europeans germans brits
""")
"""Capitalised words that are not names by themselves."""

PARTICLES: Final = _words("""
    de da do dos das di del della der den van von zu la le du bin ibn al el ten ter
""")
"""Lower-case words inside a person's name."""

FIRST_NAMES: Final = _words("""
    aaron abdul abdullah adam adrian ahmed alan albert alberto alejandro aleksandr alex alexander alexandra alexei
    alexey alfred ali alice alison allen amanda amir amy ana anastasia andre andrea andreas andrei andrew andy
    angela angelina ann anna anne annie anthony antoine anton antonio arnold arthur ashley barack barbara barry ben
    benjamin bernard bernie beth betty bill billy bob bobby boris brad brian bruce bryan carl carla carlos carol
    caroline catherine cecil charles charlie charlotte cheryl chloe chris christian christina christine christopher
    chuck claire clara claude clint colin craig cristina daniel danny dave david dean deborah dennis derek diana
    diane dick diego dieter dmitri dmitry dominic don donald donna doris dorothy doug douglas duncan ed eddie edward
    eduardo elena elizabeth ellen emily emma emmanuel eric erik ernest esther eva evelyn fatima felix fernando
    florence frances francesco francis francisco francois françois frank franz fred frederick gabriel gareth gary
    gavin geoff george gerald gerard gerhard giorgio giovanni giuseppe glenn gordon grace graham grant greg gregory
    guy hamid hannah hans harold harry hassan heather heinrich helen helmut henri henry herbert herman hillary hugh
    hugo hussein ian ibrahim igor ingrid irene isaac isabel ivan jack jackie jacob jacques jake james jamie jan jane
    janet jason javier jay jean jeff jeffrey jennifer jeremy jerry jesse jessica jesus jill jim jimmy jo joan joanna
    joao joão joe joel johann john johnny jon jonathan jorge jose josé josef joseph josh joshua juan judith judy
    julia julian julie jürgen justin karen karl kate katherine kathleen katie keith kelly ken kenneth kevin khalid
    kim kurt kyle larry laura lauren laurent lawrence lee leo leon leonard leonid lewis liam linda lisa liz louis
    louise lucas lucy luis luiz luke lynn madeleine malcolm manuel marc marcel marco marcus margaret maria marie
    marilyn mario marion mark markus martha martin marvin mary matt matteo matthew maurice max maya mehmet melissa
    michael michel michelle miguel mike mikhail milan mohamed mohammad mohammed molly monica moritz muhammad nadia
    nancy natalia natalie nathan neil nelson nicholas nick nicola nicolas nigel nikita nikolai nina noah noam norman
    oleg olga oliver olivia omar oscar otto owen pablo pamela pat patricia patrick paul paula paulo pavel pedro
    penny pete peter petra phil philip philippe phillip pierre rachel rafael ralph ray raymond rebecca richard rick
    rita rob robert roberto robin rodrigo roger roland ron ronald rory rosa rose ross roy rudolf russell ruth ryan
    sally sam samantha samuel sandra sara sarah sean sebastian serena sergei sergey sergio sharon sheila shirley
    simon sofia sonia sophie stefan stella stephanie stephen steve steven stewart stuart susan suzanne sven sylvia
    tanya tatiana ted teresa terry theo theodore theresa thomas tim timothy tina toby tom tommy tony tracy ulrich
    ursula valentina valery vanessa vera veronica victor victoria viktor vincent virginia vitali vladimir volodymyr
    walter wayne wendy werner wilhelm will william wolfgang xavier yasser yuri yusuf yves zoe
""")
