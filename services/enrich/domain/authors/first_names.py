"""First names of many languages, beyond those by which the names of an article are told: they tell who signs a page."""

from __future__ import annotations

from typing import Final

from services.enrich.domain.names.vocabulary import FIRST_NAMES

_MORE: Final = """
    abigail adele adriana adriano agata agnes agneta agnieszka aida aileen aisha akira alain alba alessandra
    alessandro alessia alexa alexandre alexia alexis alfonso alfredo alina aline alisa alistair aliya allison alma
    alois alvaro alyssa amalia amber amelia amelie amina amit amrita andres andrzej andrés angel angelica angelika
    angelo anika anil anita anja anke anneke annette annika anouk anselm antje antoinette antonia antónio antônio
    anya aoife april ariana ariane armin arnaud arne arno artem arturo arun asha astrid augusto aurelie aurora
    aurélie ava axel ayesha ayse ayşe balazs bart bas bastian beata beate beatrice beatriz becky bella benedikt
    benoit benoît berit bernd bernhard bettina bianca birgit birgitta birte björn blake bogdan bożena brandon
    brenda brendan brent bret brett bridget brigitte britta brittany brooke bruno burak byron bärbel caitlin calum
    cameron camila camilla camille can candice cara carina carlo carmen carole carolin carolina carolyn carrie
    carsten casey cassandra cathrin cathy cecile cecilia cedric celine cem chad chandra chantal charlène chase
    chester chiara christa christel christelle christiane christoph christophe ciara cindy clarissa clark claudia
    claudio clemens clement cleo clifford clinton clive clément cody colton connor conor constantin constanze cora
    corey corinna corinne cornelia cosima courtney cristian cristiano curtis cynthia cyril cécile cédric céline
    dagmar daisy dale dallas damian damien damon dana daniela daniele danielle danilo daria dario darren darryl
    daryl dawn debbie debra deepak delphine denisa denise detlef devin dexter diego dimitri dina dirk dmytro don
    dorota dorothea dorothee drew dwayne dwight dylan earl edgar edith edoardo eduard edwin egon eileen einar
    ekaterina elaine eleanor elena eleni elias elif elijah elisa elisabeth elise eliza elke ella ellie elliot elmar
    elodie elsa emanuel emil emilia emilie emilio emine emre enrico enrique erica erich erika erin erkan ernst
    erwin esra esteban estelle ester ethan etienne eugen eugene eugenia eugenio evan eveline ewa ewan ezra fabian
    fabien fabienne fabio fabrice fabrizio faith fatma federica federico felicia felicitas felipe ferdinand
    fernanda filip filippo finn fiona flavia flavio flora florent florian francesca francine franciszek franco
    franziska françoise frauke frederic frederik frida friederike friedrich fritz frédéric gabriela gabriele
    gabriella gaetan gaia gail garrett gemma gene genevieve geneviève georg georges georgia georgina gerd gerda
    gerold gerry gesa gianluca gianni gilles gina gisela giulia giuliano glen gloria gonzalo gordon gottfried greta
    gretchen grzegorz gudrun guido guilherme guillaume guillermo gunnar gus gustav gustavo günter günther hakan
    halina hanna hannes harald harriet hartmut harvey hayley hazel hector heidi heike heiko heiner heinz helena
    helene helga helge hendrik henning henrik henrike hermann hilary hilda hiroshi holger holly hope horst hubert
    hunter huseyin hélène iain ida ignacio ilaria ilka ilona ilse imke ina ines inga inge ingo inka inés ioana
    irina iris irma irving isabell isabella isabelle isaiah ismael ismail ivana ivo jaap jacqueline jade jaime
    jakob jakub jana janina janine janos jared jaroslav jarrod jasmin jasmine jasper javed jeanette jeanne
    jeannette jeff jefferson jenna jennie jenny jens jeremiah jermaine jerome jerry jess jessie joachim joakim
    joana joanne joaquin jocelyn jochen jody joelle johanna johannes john-paul jolanta joost jordan jordi jorg
    joris jorn josefine josephine joshua josiah josie joyce juana juliana juliane julie-anne juliet juliette julio
    julius june jutta jérémy jérôme jörg jörn kai kaja kareem karin karina karolina karsten katarina katarzyna
    katharina kathrin kathryn kathy katja katrin katrina kay kayla kazuo kelsey kendall kenji kent kerry kerstin
    kevin khadija kiara kiersten kilian kira kirk kirsten kirsty klara klaus klemens knut konrad konstantin
    konstanze kris kristen kristian kristin kristina kristine kristopher krystal krzysztof kurtis kyra lance landon
    lara larissa lars latoya laurence lauri laurie lea leah leandro leena leif leila lena lennart leonardo leonie
    leopold leslie lester leticia letizia levi lilian lilly lily lina lindsay lindsey linus lionel lisbeth livia
    lizzie lloyd logan lola lonnie lora lorena lorenzo loretta lorne lorraine lothar lou lucia lucian luciano lucie
    lucien lucinda lucy lucía ludwig luigi luisa luise luka lukas lutz lydia lynda lynne maarten maciej mackenzie
    maddie madison mads magda magdalena magnus maike maja malgorzata malte mandy manfred manon manuela mara
    marc-andre marcela marcello marcin marek maren margarita margot margret mariana marianna marianne marie-claire
    marika marilena marina mariola maris marisa marissa marit marita marjorie marlene marlies marlon marta martina
    marty maryam mason massimo mathias mathieu mathilde mathis matias matilda matilde mats matthias mattias maureen
    mauricio maurizio mauro max maximilian mayank małgorzata meagan megan meghan meike melanie melina melinda
    melvin mercedes meredith merle mia micah micha michaela michal michalis michał mick mickey mika milena miles
    mina mira miranda mireille miriam mirjam mirko mitch mitchell moira mona morgan moritz morten murat murray
    mustafa myriam nadine nadja nanette naomi nastasia natacha natascha natasha nathalie nathaniel neal ned nele
    nelly nic niclas nico nicolai nicole nicolás niels niklas niko noelle noemi nolan nora norbert norma noémie
    nuno octavio odile oksana olaf ole olena olivier oren orla orlando oskar oswald otis paige paola paolo parker
    pascal patrice patricio patrik patrizia patty paulette paulina pauline paulinho paxton peggy per percy perry
    petra philipp philippa phoebe pia pierre-yves pieter pilar piotr polly preston priscilla priya quentin quinn
    rafaela rafał raffaele rainer raj rajesh ralf ralston ramiro ramon ramona randy raphael raphaël raquel ravi
    raúl rebekka regina reginald reinhard reinhold rena renata renate rene renee rené renée reto rex rhea rhiannon
    rhys ricarda ricardo riccardo richie ricky rico riley robbie roberta rocio rod roderick rodney rohan roland
    rolf romain roman romy ronnie rosalie rosemary rosie rowan roxanne ruben rubén rudi rudiger ruedi rupert rusty
    rüdiger sabina sabine sabrina sadie salvatore sami samir sandeep sandro sandy sanjay santiago sascha saskia
    savannah scott sebastien selina selma serge sergi seth severin shane shannon shaun shauna shawn shelby shelley
    shelton sherry sibylle sidney siegfried sigrid silke silvia silvio simona simone sina siobhan siri skip skye
    sofie solveig sonja soren spencer stacey stacy stan stanislav stefania stefanie stefano steffen steffi stephan
    stephane stewart stig stéphane stéphanie sue summer sunil sunita susana susann susanna susanne svea svenja
    svetlana sybille sydney sylke sylvain sylvie sébastien sören tabea tad tamara tammy tania tanja tanner tara
    taras tarek taryn tate tatjana taylor teodor terrence tessa thad thea thekla theodor theodora therese thiago
    thibault thierry thilo thom thorsten thérèse tia tiago tiffany till tilman tim-niklas timo tobi tobias tobin
    todd tomas tomasz tomer tommaso tomás tonya torben tori torsten tracey traci travis trent trevor tricia tristan
    troy trudy tucker ty tyler udo ulf ulla ulrike umberto urs ute uwe valentin valentine valeria valerie valérie
    vanesa vaughn veit verena vern veronika verónica vicente vicky vijay vikram viktoria vincenzo viola violeta
    virginie vito vivian viviane vivien volker wade wallace waltraud wanda ward warner warren wenke wes wesley
    whitney wiebke wilfried willem willy winston wojciech wolf wolfram wyatt yael yann yannick yasmin yasmine
    yolanda younes yvette yvonne zach zachary zane zara zeynep zofia zuzana élodie émilie étienne łukasz
"""
_KNOWN: Final = FIRST_NAMES | frozenset(_MORE.split())


def first_name_known(name: str) -> bool:
    """Whether a name begins with a first name of the lists; of `Jens-Christof` one half is enough."""
    first = name.split(" ", 1)[0].lower()
    return first in _KNOWN or first.split("-")[0] in _KNOWN
