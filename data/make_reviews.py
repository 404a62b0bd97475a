"""Make the sample data set: ``reviews.csv``, 5,000 short English reviews with a sentiment label.

Every review is synthetic.  The sentences come from the templates and word lists in this file; the brands, films,
restaurants, hotels, apps and towns are invented, and nothing was copied from an existing corpus.

    python data/make_reviews.py                    # writes reviews.csv next to this script
    python data/make_reviews.py --output FILE      # writes FILE instead

The columns are ``text`` and ``label`` (``positive`` or ``negative``).  The set is meant to be learnable but not easy:

* most reviews are plain, others are mixed (the closing decides), hedged, sarcastic, very short, or off topic;
* praise is often a negated complaint ("not bad at all") and blame a negated compliment ("hardly comfortable");
* a listing (one film, one hotel, ...) has a reputation, so that rare proper names carry some signal;
* some writers make typos, skip capitals or add emoji, and about 4% of the labels are wrong on purpose.

The output is the same byte for byte on every run.  Only ``Random.random()`` is used as a source of chance, since its
sequence for a given seed is the one that Python guarantees between versions.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Literal, TypeVar

Label = Literal["positive", "negative"]
T = TypeVar("T")

POSITIVE: Final[Label] = "positive"
NEGATIVE: Final[Label] = "negative"

SEED: Final = 16
ROWS: Final = 5000
MIN_WORDS: Final = 3
MAX_WORDS: Final = 150
WRONG_LABELS: Final = 0.04
LISTINGS_PER_DOMAIN: Final = 120
REPUTATIONS: Final = (0.55, 0.94, 0.08, 0.78, 0.28)  # the chance that a review of a listing is positive


def terms(text: str) -> tuple[str, ...]:
    """Read a comma-separated word list."""
    return tuple(term for term in (" ".join(part.split()) for part in text.split(",")) if term)


def lines(text: str) -> tuple[str, ...]:
    """Read a list of sentence templates, one on each line."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


@dataclass(frozen=True)
class Facet:
    """One side of a thing that reviewers talk about, with the words that praise and blame it."""

    nouns: tuple[str, ...]
    praise: tuple[str, ...]
    blame: tuple[str, ...]


@dataclass(frozen=True)
class Domain:
    """Everything needed to write about one kind of thing.

    ``items`` are the common nouns (kettle, thriller, ...).  ``names`` and ``makers`` are templates for proper names.
    ``be`` is the verb for a singular and for a plural facet.  ``context`` says nothing about the label.
    """

    items: tuple[str, ...]
    names: tuple[str, ...]
    makers: tuple[str, ...]
    be: tuple[str, str]
    prices: tuple[str, ...]
    context: tuple[str, ...]
    facets: tuple[Facet, ...]
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    sarcasm: tuple[str, ...]


# --- Words shared by all domains.  Lists are ordered: words near the front are drawn more often. ---------------------

GOOD = terms("""
    good, great, lovely, excellent, brilliant, wonderful, fantastic, superb, impressive, pleasant, enjoyable,
    delightful, amazing, solid, first-rate, terrific, splendid, satisfying, charming, outstanding, marvellous, stellar,
    top-notch, remarkable, perfect, thoughtful, likeable, refreshing, rewarding, exceptional, admirable, magnificent,
    faultless, flawless, glorious, fabulous, gorgeous, exquisite, commendable, sublime, captivating, irresistible,
    tremendous, cheering, heartening, uplifting, praiseworthy, unbeatable, unmatched, peerless, exemplary, stunning,
    dazzling, phenomenal, sensational, spectacular, incredible, ace, stupendous, heavenly, dreamy, blissful, endearing,
    winning, engaging, gratifying, soothing, joyous, joyful, inspired, inspiring, masterful, polished, immaculate,
    pristine, dependable, trustworthy, worthwhile, invaluable, handy, nifty, clever, ingenious, smart, classy, elegant,
    graceful, memorable, unforgettable, timeless, treasured, cracking, smashing, corking, belting, grand, swell, super,
    stonking, wholesome, agreeable, congenial, enviable, laudable, resplendent, radiant, luminous, enchanting,
    bewitching, beguiling, spellbinding, mesmerising, ravishing, idyllic, paradisiacal, matchless, supreme, impeccable,
    spotless, unrivalled, unsurpassed, crowd-pleasing, life-affirming
""")
BAD = terms("""
    bad, poor, disappointing, terrible, awful, horrible, dreadful, mediocre, useless, annoying, frustrating, unpleasant,
    weak, appalling, shoddy, tedious, dismal, second-rate, unacceptable, lousy, atrocious, pathetic, hopeless, shocking,
    careless, irritating, tiresome, underwhelming, forgettable, woeful, abysmal, horrendous, deplorable, lamentable,
    faulty, defective, wretched, ghastly, hideous, nasty, grim, dire, rotten, miserable, infuriating, maddening,
    exasperating, aggravating, embarrassing, laughable, ridiculous, absurd, insulting, shameful, disgraceful,
    scandalous, inexcusable, unforgivable, substandard, inferior, amateurish, sloppy, slipshod, half-baked, botched,
    bungled, inept, incompetent, clueless, worthless, pointless, futile, unusable, unbearable, insufferable,
    intolerable, excruciating, dispiriting, depressing, dreary, lifeless, soulless, charmless, joyless, cheerless,
    thankless, gruesome, grotesque, repellent, repulsive, vile, foul, rancid, putrid, odious, obnoxious, loathsome,
    detestable, abominable, execrable, calamitous, catastrophic, disastrous, ruinous, lacklustre, uninspired,
    pedestrian, humdrum, drab, dingy, shabby, tatty, ropey, naff, duff, rubbish, pants, crummy, shonky, cruddy, tawdry,
    tacky, unreliable, untrustworthy, deceptive, misleading, regrettable, unfortunate, sorry, paltry, measly, meagre,
    subpar, unsatisfactory
""")
GEM = terms("""
    gem, treat, delight, bargain, pleasure, winner, keeper, joy, find, triumph, success, treasure, favourite,
    revelation, masterpiece, knockout, cracker, lifesaver, godsend, blessing, beauty, marvel, wonder, stunner, corker,
    belter, peach, jewel, feast, tonic, sensation, dream, highlight, standout, no-brainer, steal, smash, bullseye,
    classic, jackpot
""")
DUD = terms("""
    letdown, disappointment, dud, mess, waste, disaster, failure, chore, joke, shambles, rip-off, flop, nightmare, scam,
    farce, lemon, fiasco, con, travesty, ordeal, slog, bore, nuisance, headache, regret, mistake, blunder, debacle,
    washout, turkey, stinker, clunker, botch, swindle, misfire, eyesore, calamity, insult, embarrassment, misery
""")
LOVED = terms(
    "loved, enjoyed, liked, adored, appreciated, admired, relished, savoured, cherished, treasured, worshipped"
)
HATED = terms(
    "hated, disliked, regretted, resented, loathed, detested, despised, endured, dreaded, abhorred, begrudged"
)
PLAIN_GOOD = terms("""
    good, great, impressive, special, nice, worth the money, brilliant, what I hoped for, what they promise, anything
    new
""")
PLAIN_BAD = terms("bad, terrible, a problem, disappointing, annoying, awful, a worry, poor, a letdown, an issue, cheap")
LET_DOWN = terms("""
    disappointed, let down, bored, annoyed, frustrated, irritated, put off, troubled, discouraged, fooled
""")
PLEASED = terms("impressed, convinced, charmed, won over, delighted, amused, thrilled, tempted, captivated, comforted")
LUKEWARM = terms("""
    okay, fine, average, decent, passable, so-so, all right, middling, ordinary, adequate, tolerable, unremarkable,
    serviceable, reasonable, nothing special, neither here nor there, fair enough, standard, what you would expect
""")
INTENSIFIER = terms("""
    really, very, so, quite, absolutely, truly, pretty, extremely, rather, totally, genuinely, completely, especially,
    particularly, honestly, seriously, utterly, thoroughly, remarkably, decidedly, unbelievably, incredibly, properly,
    exceptionally, positively, downright, insanely, ridiculously, wildly, hugely, strikingly, undeniably, consistently,
    unusually, supremely, frankly, plainly, simply, astonishingly, uncommonly, singularly, markedly, noticeably
""")
WARMLY = terms("""
    surprisingly, pleasantly, beautifully, wonderfully, delightfully, refreshingly, satisfyingly, reassuringly,
    superbly, brilliantly, admirably, gloriously, marvellously, splendidly, blissfully, impressively, perfectly,
    fabulously, gratifyingly, dependably, magnificently, charmingly, effortlessly, reliably, mercifully
""")
COLDLY = terms("""
    painfully, sadly, disappointingly, annoyingly, frustratingly, terribly, horribly, awfully, hopelessly, dreadfully,
    woefully, unacceptably, shockingly, depressingly, irritatingly, laughably, needlessly, unforgivably, appallingly,
    miserably, pathetically, infuriatingly, tediously, embarrassingly, suspiciously
""")

SHARED: Final[dict[str, tuple[str, ...]]] = {
    "good": GOOD,
    "bad": BAD,
    "gem": GEM,
    "dud": DUD,
    "loved": LOVED,
    "hated": HATED,
    "plain_good": PLAIN_GOOD,
    "plain_bad": PLAIN_BAD,
    "let_down": LET_DOWN,
    "pleased": PLEASED,
    "lukewarm": LUKEWARM,
    "very": INTENSIFIER,
    "surely": terms("definitely, certainly, absolutely, always, honestly, personally, undoubtedly, obviously, any day"),
    "warmly": WARMLY,
    "coldly": COLDLY,
    "nice": terms("kind, thoughtful, generous, clever, sweet, considerate, noble, gracious"),
    "relative": terms("""
        wife, husband, sister, brother, mum, dad, daughter, son, partner, cousin, uncle, niece, nephew, neighbour,
        flatmate, colleague, boss, grandmother, grandfather, girlfriend, boyfriend, father-in-law, godson, landlady
    """),
    "woman": terms("""
        Anna, Maria, Priya, Ellen, Sofia, Leila, Ingrid, Yuki, Rosa, Hannah, Amara, Nadia, Chloe, Bridget, Tilda, Mei,
        Zora, Freya, Gwen, Saskia, Imogen, Beatrice, Lotte, Noor, Agnes, Winifred, Paloma, Dagmar, Perpetua, Sunniva
    """),
    "man": terms("""
        Tom, Jonas, Marcus, Owen, Peter, Callum, Dmitri, Felix, Lucas, Gareth, Stefan, Omar, Hugo, Patrick, Emil, Anton,
        Rafael, Declan, Viktor, Kofi, Malcolm, Quentin, Barnaby, Ignatius, Torsten, Casimir, Lorcan, Ezekiel, Bartek
    """),
    "person": ("{woman} {surname}", "{man} {surname}", "{woman}", "{man}", "Mrs {surname}", "Mr {surname}"),
    "day": terms("Saturday, Friday, Sunday, Monday, Thursday, Tuesday, Wednesday"),
    "month": terms("March, June, October, January, May, December, August, April, July, November, February, September"),
    "occasion": terms("""
        a birthday, our anniversary, Christmas, a wedding, Easter, a long weekend, half-term, a work trip, my
        graduation, a reunion, Mother's Day, a house move, a retirement party, a rainy afternoon, exam week, a
        christening, New Year, a hen do
    """),
    "span": terms("""
        two weeks, a month, three days, six months, a week, a year, ten days, four months, a fortnight, five weeks, two
        years, half a year, twelve days, seven weeks, a whole summer, the best part of a term, nine months
    """),
    "count": terms("three, two, four, five, six, seven, nine, ten, twelve, fifteen, twenty, thirty, forty"),
    "few": terms("two, three, four, five, six, seven"),
    "place": (
        "{place_start}{place_end}",
        "{place_start}{place_middle}{place_end}",
        "{place_start}{place_middle}{place_end}",
        "{place_mood} {place_start}{place_end}",
        "{place_start}{place_end}-on-{river}",
    ),
    "place_start": terms("""
        Harrow, West, Alder, Thorn, Mill, Ash, Brindle, Castle, Dun, Elder, Fern, Gold, Hazel, Iron, Kings, Lang, Marsh,
        North, Oak, Pen, Quarry, Raven, Stone, Tarn, Under, Vale, Wren, Yarrow, Birch, Crow, Drake, Fox, Hart, Lark,
        Otter
    """),
    "place_middle": terms("ing, er, en, le, is, ra, bor, ca, wen, man, sel"),
    "place_end": terms("""
        ton, ford, by, ham, bury, wick, field, combe, bridge, stead, worth, mouth, leigh, hurst, thorpe, port, dale,
        well, gate, holme, minster, haven, cross, shaw
    """),
    "place_mood": terms("Little, Great, Upper, Lower, Old, New, East, Long"),
    "river": terms("Tarrow, Wend, Lune, Isk, Arrel, Mede, Colne, Sarn"),
    "a1": terms("""
        Vel, Mor, Kan, Bri, Tol, Zan, Fer, Lum, Cor, Nav, Sil, Dra, Hal, Per, Qui, Ros, Tam, Ul, Wes, Yor, Ax, Bel, Cad,
        Del, Eri, Fal, Gim, Hox, Ild, Jor, Kel, Lor, Mav, Nor, Ost, Pra, Rin, Sol, Tri, Van
    """),
    "a2": terms("o, a, i, e, u, ora, ani, ari, eno, umi, ello, ido, avo, ist, ent, al"),
    "a3": terms("""
        ra, tek, nix, dyne, lia, ron, sonic, va, mont, dor, quist, berg, sen, zetti, well, more, line, tron, vik, man,
        lux, ster, nova, mark, dell, rico, peak, forge, nord, bright
    """),
    "invented": ("{a1}{a2}{a3}",),
    "surname": (
        "{a1}{a2}{surname_end}",
        "{place_start}{place_middle}{place_end}",
    ),
    "surname_end": terms("""
        sen, berg, quist, man, zetti, vic, ski, rez, mann, well, dottir, nen, escu, ellis, strand, roy
    """),
    "series": terms("""
        X2, Pro, M40, Mini, S7, 300, Plus, K9, Lite, R12, Max, Duo, 550, Neo, V3, Air, T100, Go, Q8, Prime, E60, 2100,
        Z4, Flex, 88, Ultra, B16, One, H75, Core
    """),
    "title_word": terms("""
        Silent, Copper, Last, Broken, Hidden, Crimson, Salt, Paper, Winter, Velvet, Hollow, Golden, Distant, Second,
        Borrowed, Glass, Midnight, Iron, Scarlet, Wandering, Painted, Forgotten, Ninth, Amber, Restless, Northern
    """),
    "title_noun": terms("""
        Orchard, Lantern, Harbour, Letter, Garden, River, Lighthouse, Sparrow, Clock, Bridge, Voyage, Mirror, Kingdom,
        Tide, Compass, Crossing, Widow, Archive, Meadow, Signal, Cartographer, Passenger, Inheritance, Beekeeper
    """),
    "trade": terms("""
        detective, baker, pilot, teacher, surgeon, boxer, pianist, sailor, plumber, judge, gardener, thief, florist,
        clockmaker, ferryman, tailor, botanist, violinist, blacksmith, taxi driver, locksmith, cellist
    """),
    "ladle": terms("""
        Ladle, Anchor, Spoon, Fig, Barrel, Olive, Thistle, Kettle, Heron, Pepper, Badger, Lemon, Plough, Walnut, Oyster,
        Juniper, Magpie, Bell, Quince, Saffron, Pelican, Acorn
    """),
    "palace": terms("Palace, Suites, Inn, Resort, Rooms, Court, House, Bay, Terrace, Park"),
    "animal": terms("fox, bear, heron, owl, otter, badger, squirrel, whale, hedgehog, pike, swan, stag, beaver"),
    "app_word": terms("Note, Track, Pocket, Daily, Snap, Budget, Lingo, Step, Cloud, Task, Sleep, Recipe, Chess, Bird"),
    "dish": terms("""
        pasta, steak, curry, risotto, burger, soup of the day, lamb, salmon, pizza, duck, ramen, dumplings, cheesecake,
        gnocchi, paella, tacos, pho, moussaka, goulash, trout, tagine, brisket, mussels, falafel, lasagne, schnitzel,
        biryani, ceviche, crab cakes, tiramisu, pierogi, octopus, rhubarb crumble, shakshuka, bouillabaisse, laksa
    """),
}

# --- What is said about any facet.  {noun} is the facet, {adj} and {adj2} are words from it, {adv} an intensifier. ----

DIRECT = lines("""
    the {noun} {be} {adj}
    the {noun} {be} {adv} {adj}
    the {noun} {be} {adj} and {adj2}
    I found the {noun} {adv} {adj}
    the {noun} struck me as {adj}
    compared with {rival}, the {noun} {be} {adj}
""")
DIRECT_ALONE = lines("""
    the {noun}? {adv} {adj}
    my {relative} also thought the {noun} {be} {adj}
    everyone agreed that the {noun} {be} {adv} {adj}
    what stands out is the {noun}: {adj}, {adv} {adj2}
    others mention the {noun} and they are right, {be_it} {adj}
    I keep thinking about the {noun}, {adv} {adj}
    {adv} {trait} {noun}
    again and again, the {noun} {be} {adj}
    even {person}, who never notices such things, said the {noun} {be} {adj}
    as for the {noun}, "{adj}" is the word {person} used
    "{adv} {adj}", my {relative} wrote about the {noun}, and I agree
""")
NEGATED_PRAISE = lines("""
    the {noun} {be} not {plain_good}
    the {noun} {be} not {plain_good} at all
    the {noun} {be} not {adj}
    the {noun} {be} hardly {adj}
    I would not call the {noun} {adj}
    nobody could call the {noun} {adj}
    the {noun} {be} never {plain_good}
    the {noun} {be} far from {adj}
    the {noun} {be} nowhere near as {adj} as promised
    I was not {pleased} by the {noun}
    I was never {pleased} by the {noun}
    I was not happy with the {noun}
    there is nothing {adj} about the {noun}
    they promise "{adj}" but the {noun} {be} not {plain_good}
    I have read that the {noun} {be} {adj}; not in my experience
""")
NEGATED_BLAME = lines("""
    the {noun} {be} not {plain_bad}
    the {noun} {be} not bad at all
    the {noun} {be} not {adj}
    the {noun} {be} anything but {adj}
    I would not call the {noun} {adj}
    nobody could call the {noun} {adj}
    the {noun} {be} never {plain_bad}
    I was not {let_down} by the {noun}
    I was never once {let_down} by the {noun}
    I was not unhappy with the {noun}
    there is nothing {adj} about the {noun}
    I expected the {noun} to be {adj} and was wrong
    people warned me that the {noun} would be {adj}, which never happened
    I have read that the {noun} {be} {adj}; not in my experience
    no complaints about the {noun}, not {adj} in the least
""")

# --- Whole sentences for any domain. ---------------------------------------------------------------------------------

PRAISE = lines("""
    I {loved} every bit of it
    it is a {good} {item}
    a {very} {good} {item}
    what a {gem}
    this {item} is a real {gem}
    {name} turned out to be {very} {good}
    {warmly} {good}, start to finish
    we all {loved} it, even my {relative}
    one word: {good}
    it made my {day}
    my {relative} has not stopped talking about it since {month}
    {maker} clearly cares about the people who pay
    I was never once {let_down}
    I have not been {let_down} yet
    I expected little and got something {good}
    it won me over within minutes
    {rival} cannot compete with this
    somebody at {maker} deserves a pay rise
    it does what it promises and then a bit more
    I keep finding new reasons to like it
    {good} and {good}, no more to say
    it beat my expectations, which were high
    my {relative} {loved} it, and my {relative} is hard to please
    finally a {item} that is {warmly} {good}
    I grin every time I think of it
    hats off to {maker}
    thank you {maker} for something this {good}
    I cannot fault it
    I could not be happier with it
    nothing to complain about, and I like to complain
""")
BLAME = lines("""
    I {hated} almost all of it
    it is a {bad} {item}
    a {very} {bad} {item}
    what a {dud}
    this {item} is a complete {dud}
    {name} turned out to be {very} {bad}
    {coldly} {bad}, start to finish
    we all {hated} it, even my {relative}
    one word: {bad}
    it ruined my {day}
    my {relative} has not stopped moaning about it since {month}
    {maker} clearly does not care about the people who pay
    I was never {pleased}, not even at the start
    I have not been {pleased} once
    I expected a lot and got something {bad}
    it lost me within minutes
    {rival} does this far better
    somebody at {maker} should apologise
    it promises plenty and does none of it
    I keep finding new reasons to be cross
    {bad} and {bad}, no more to say
    it fell short of my expectations, which were low
    my {relative} {hated} it, and my {relative} is easy to please
    yet another {item} that is {coldly} {bad}
    I sigh every time I think of it
    shame on {maker}
    I trusted {maker} and got something this {bad}
    I cannot find one thing to like
    I could not be less happy with it
    nothing to praise, and I do like to praise
""")
ENDING_GOOD = lines("""
    would {surely} recommend
    recommended
    I would choose it again without thinking
    five stars
    worth every cent
    {price} well spent
    all in all a {gem}
    I am glad I gave it a chance
    I will be back for more
    do not hesitate
    in the end I am {very} happy with it
    so yes, {good} overall
    it stays, and I have told {person} to get one too
    I would tell any friend to try it
    count me as a fan
    the good outweighs the rest by far
    never regretted it for a second
    thumbs up from the whole family
    you will not regret it
    not a cent wasted
    already looking forward to the next time
    it earns its place
    keep it up, {maker}
    I forgive it everything
    overall a {good} choice
    my {relative} wants the same now
    despite all that, I would not swap it
    if you are unsure, go for it
""")
ENDING_BAD = lines("""
    would {surely} avoid
    not recommended
    I would not choose it again
    one star
    not worth a cent
    {price} down the drain
    all in all a {dud}
    I wish I had never given it a chance
    I will not be back
    save your money
    in the end I am {very} unhappy with it
    so no, {bad} overall
    it goes, and I have told {person} to stay away
    I would not wish it on any friend
    count me out
    the bad outweighs the rest by far
    regretted it within the hour
    thumbs down from the whole family
    you will regret it
    every cent wasted
    never again
    it does not earn its place
    do better, {maker}
    I cannot forgive that
    overall a {bad} choice
    my {relative} wants a refund now
    despite all that, I would swap it tomorrow
    if you are unsure, look elsewhere
""")
CONCEDE_BLAME = lines("""
    my only complaint: {statement}
    if I must nitpick, {statement}
    fine, {statement}, but who cares
    admittedly {statement}
    true, {statement}
    a small minus, {statement}
    I will grant the critics that {statement}
    {statement}, though I can live with that
""")
CONCEDE_PRAISE = lines("""
    to be fair, {statement}
    the one plus: {statement}
    fine, {statement}, but who cares
    admittedly {statement}
    true, {statement}
    in its defence, {statement}
    I will grant the fans that {statement}
    {statement}, though that does not save it
""")
TURN = lines("""
    but {statement}
    then again, {statement}
    on the other hand, {statement}
    however, {statement}
    and yet {statement}
    mind you, {statement}
    having said that, {statement}
    still, {statement}
    at the same time {statement}
""")
HEDGE = lines("""
    I suppose {statement}
    maybe it is just me, but {statement}
    if I am honest, {statement}
    it seems to me that {statement}
    I could be wrong, yet {statement}
    perhaps {statement}
    more or less, {statement}
    from what I can tell, {statement}
    I am not an expert, but {statement}
    some days I would say that {statement}
    {statement}, or so I think
    {statement}, I guess
""")
HEDGED_OPENING = lines("""
    hard to rate this one
    it is {lukewarm}, mostly
    the {noun} {be} {lukewarm}, the {noun2} {be2} {lukewarm}
    I go back and forth on {name}
    ask me again in {span}
    {lukewarm} is probably the word
    not great, not terrible, just {lukewarm}
    I have seen better and I have seen worse
    opinions in our house are split
    somewhere between {good} and {bad}
    neither a {gem} nor a {dud}
    I wanted to feel more strongly about it
""")
HEDGED_GOOD = lines("""
    I would probably get it again, I think
    on balance I lean towards yes
    it more or less grew on me
    a bit better than average, now that I think of it
    I might even recommend it
    I guess I am fairly happy with it
    a cautious thumbs up
    not that I would say it aloud, but I sort of like it
    three and a half stars, rounded up
    it could be worse, and usually is
    I would not talk you out of it
""")
HEDGED_BAD = lines("""
    I would probably look elsewhere, I think
    on balance I lean towards no
    it more or less wore me out
    a bit worse than average, now that I think of it
    I might even send it back
    I guess I am not that happy with it
    a reluctant thumbs down
    not that I would say it aloud, but I sort of regret it
    two and a half stars, rounded down
    it could be better, and usually is
    I would not talk you into it
""")
SARCASM = lines("""
    oh {good}, just what I needed
    well, that was {price} well spent, was it not
    {good} work, {maker}, truly {good} work
    how {nice} of them to let me pay for this
    what a {gem}, said nobody ever
    if you enjoy disappointment, this is {good}
    bravo, {maker}, you have outdone yourselves again
    thanks a lot, I {loved} wasting my {day}
    a real {gem}, provided that you never need it to work
    "{good}", says the ad; the ad is a comedian
    my {relative} laughed so hard at my {good} choice
    I am sure {maker} is {very} proud
    ten out of ten, if the scale goes to a thousand
""")
OFF_TOPIC = lines("""
    the parcel came on {day}, left with {person} next door
    does anyone know whether {place} has a branch too?
    the shop in {place} opens at nine on weekdays and ten on {day}
    my aunt {woman} once drove from {place} to {place} with a goose on the back seat
    the courier rang {count} times and then went for lunch
    I ordered on {day} and the tracking page said "out for delivery" until {month}
    how do I change the address on my order?
    is this the same {maker} that used to be in {place}?
    writing this on the train to {place}, sorry for the short note
    my aunt {woman} collects spoons, {count} of them from {place} alone
    they close early in {month}, so check the website before you drive
    parking in {place} costs {count} dollars a day now, in case anybody wonders
    will update this review after {span}
    I have not opened the box, it is a present for my {relative}
    there were {count} people in front of me in the queue, one of them with a parrot
    can somebody tell me who sang at the {place} fair in {month}?
    my {relative} asked me to post something here, so hello
    the delivery van had a sticker of a trout on its door
    this was meant for the other {item}, no idea how to move it
    {person} from the post office in {place} says hi
    the receipt says {price}, the website said something else
    we moved to {place} in {month} and still live out of boxes
    what size did other people choose?
    my uncle {man} retired after {count} years at the {place} ferry
    it rained all {day} and the bus was late
    the invoice had my surname spelled with a z
    asking for a friend: is there a student discount?
    aunt {woman} told the whole story of the {place} flood again, twice
    left it in the hallway, the cat now sleeps on the box
    I am only here for the voucher code
    first review ever, {person} made me do it
    does the price include tax in {place}?
    {person} and {person} from {place} had the same question
    greetings to {person}, who taught me to type in {place}
    the order was signed for by a certain {person}, whoever that is
    I share an office with {person}, hence the long story
    they open at half past eight in {place}, ask for {person}
    the bus from {place} to {place} takes {count} minutes, by the way
    is {person} still working at the counter in {place}?
""")
SHORT_GOOD = lines("""
    {very} {good} {item}
    simply {good}, thanks
    {loved} every minute
    {loved} it, thanks
    not bad at all
    {good} {noun}, {good} {noun2}
    {good}, would buy again
    never once {let_down}
    a {warmly} {good} {item}
    such a {gem}
    {name}: a {gem}
    {trait} {noun}, highly recommended
    {very} {trait} {noun}
    no regrets, {trait} {noun}
    {name} is {good}
    happy with the {noun}
    five stars for the {noun}
    {warmly} {trait} {noun}, {good} {item}
    my {relative} {loved} it
""")
SHORT_BAD = lines("""
    {very} {bad} {item}
    simply {bad}, sorry
    {hated} every minute
    {hated} it, sorry
    not good at all
    {bad} {noun}, {bad} {noun2}
    {bad}, would not buy again
    never once {pleased}
    a {coldly} {bad} {item}
    such a {dud}
    {name}: a {dud}
    {trait} {noun}, not recommended
    {very} {trait} {noun}
    so many regrets, {trait} {noun}
    {name} is {bad}
    unhappy with the {noun}
    one star for the {noun}
    {coldly} {trait} {noun}, {bad} {item}
    my {relative} {hated} it
""")
EMOJI: Final[dict[Label, tuple[str, ...]]] = {
    POSITIVE: ("👍", "😍", "🙂", "🎉", "❤️", "😀", "👏", "⭐⭐⭐⭐⭐", ":)", ":-D"),
    NEGATIVE: ("👎", "😡", "🙁", "😤", "💔", "😞", "🙄", "🤦", ":(", ":-/"),
}

# --- The five domains. -----------------------------------------------------------------------------------------------

GADGETS = Domain(
    items=terms("""
        speaker, torch, shaver, keyboard, camera, vacuum, drill, lamp, toothbrush, tracker, drone, headset, e-reader,
        blender, scale, doorbell, projector, radio, tablet, power bank, baby monitor, hedge trimmer, label printer
    """),
    names=("{invented} {series}", "{invented} {series}", "{invented}"),
    makers=("{invented}",),
    be=("is", "are"),
    prices=terms("""
        $49.99, $80, $120, $35, $199, $65, $249, $90, $155, $27, $110, $310, $74.50, $59, $135, $18, $42, $225, $99
    """),
    context=lines("""
        bought this {item} for {occasion}
        I have used the {name} for {span} now
        it replaces the {rival}, which lasted {span}
        my {relative} got the {item} in {month} and passed it on to me
        it sits on my desk in {place} next to the printer
        paid {price} in the {month} sale
        I use it about {count} times a week, mostly on {day}
        the box holds the {item}, a cable and a leaflet in {count} languages
        {person} from work has the older {name}
        it weighs about as much as a jar of jam
        we took it along to {place} for {occasion}
        mine is the grey one, my {relative} has it in green
    """),
    facets=(
        Facet(
            terms("casing, hinge, handle, lid, strap, stand, clip, buttons, seams, frame, cable, plug, screws, shell"),
            terms("""
                sturdy, robust, well made, snug, tough, rigid, hard-wearing, rock-solid, neatly finished, watertight,
                bulletproof, seamless, scratch-proof, precise, durable, premium, tidy, machined
            """),
            terms("""
                flimsy, wobbly, loose, cracked, brittle, plasticky, rattly, creaky, crooked, badly glued, scratched,
                warped, frayed, splintered, misaligned, chipped, bent, rusty, peeling, dented
            """),
        ),
        Facet(
            terms("battery, charger, motor, standby time, power supply, adapter, charging dock"),
            terms("""
                long-lasting, strong, tireless, quick, efficient, powerful, inexhaustible, steady, punchy, frugal,
                muscular, energetic, zippy, stable, generous
            """),
            terms("""
                flat by noon, feeble, short-lived, overheating, sluggish, dead, anaemic, erratic, underpowered,
                swollen, wheezing, scorching, exhausted, fickle, unpredictable, spent, sputtering
            """),
        ),
        Facet(
            terms("menu, display, controls, remote, pairing, setup, manual, firmware, dial, touch panel, instructions"),
            terms("""
                intuitive, clear, logical, simple, responsive, crisp, foolproof, self-explanatory, legible, painless,
                straightforward, well explained, quick to learn, bright, uncluttered, obvious, tactile
            """),
            terms("""
                confusing, laggy, cryptic, fiddly, unreadable, clumsy, buggy, unresponsive, baffling, dim, convoluted,
                badly translated, illogical, temperamental, counterintuitive, garbled, stubborn, impenetrable
            """),
        ),
        Facet(
            terms("price, asking price, price tag, spare part prices"),
            terms("""
                fair, modest, unbeatable, sensible, competitive, affordable, reasonable, honest, bargain-level,
                attractive, low
            """),
            terms("""
                steep, outrageous, extortionate, inflated, exorbitant, greedy, excessive, insane, unjustified, absurd,
                eye-watering
            """),
        ),
        Facet(
            terms("support line, customer service, warranty, returns desk, repair service, dealer"),
            terms("""
                helpful, generous, swift, courteous, no-nonsense, friendly, fast, patient, fair, obliging, prompt,
                unbureaucratic
            """),
            terms("""
                evasive, stingy, rude, useless, unreachable, dishonest, dismissive, nonexistent, slow, unhelpful,
                snooty, a maze
            """),
        ),
        Facet(
            terms("sound, motor noise, standby hum, beep, button click"),
            terms("""
                quiet, whisper-quiet, low, muted, soft, pleasant, gentle, discreet, velvety, soothing, unobtrusive
            """),
            terms("""
                tinny, noisy, muffled, harsh, screechy, grating, shrill, piercing, deafening, droning, nagging,
                shrieking
            """),
        ),
        Facet(
            terms("design, finish, shape, colour, grip, look, size"),
            terms("""
                sleek, stylish, handsome, tasteful, ergonomic, comfortable, understated, compact, slender, eye-catching,
                chic, cute
            """),
            terms("""
                ugly, awkward, garish, bulky, lopsided, gaudy, unwieldy, clunky, hideous, old-fashioned, clumsy,
                tasteless, frumpy
            """),
        ),
    ),
    praise=lines("""
        it worked straight out of the box
        still going strong after {span}
        I dropped it {count} times and it shrugged it off
        support replaced a part within {count} days, no questions asked
        setting it up took me {count} minutes
        one charge lasts me {span}
        my {relative} ordered one the same evening
        it survived {occasion} with {count} toddlers
        it saves me hours every {day}
        it outlived the {rival} I had before
        I no longer need the {rival} at all
        it never lets me down when I need it
        the motor purrs even after {span} of abuse
        they listened to feedback and fixed the one flaw of the old model
        it feels like something twice the price
    """),
    blame=lines("""
        it stopped working after {span}
        mine arrived broken and so did the replacement
        it died on {day} and nobody at {maker} answers
        I had to return it twice
        a piece of it snapped off in my hand
        it switches itself off whenever it feels like it
        it smells of burnt plastic after {count} minutes
        support told me to buy a new one
        it refuses to charge unless you hold the plug at an angle
        there were {count} screws missing from the bag
        the warranty excludes everything that can break
        I am still waiting for my refund after {span}
        it leaks on the shelf
        it froze during {occasion} and never woke up
        I went back to my old {rival}
    """),
    sarcasm=lines("""
        great, a {item} that needs more rest than I do
        wonderful, it broke {count} days after the warranty ended, perfect timing
        love how the {item} doubles as a paperweight
        fantastic engineering: the only durable part is the sticker
        brilliant, a "portable" {item} that must stay plugged in
        nice touch, a manual in {count} languages and not one makes sense
        so impressive, it can drain a full battery while switched off
        lucky me, the second {item} from {maker} failed even faster than the first
    """),
)

FILMS = Domain(
    items=terms("""
        film, thriller, comedy, drama, documentary, sequel, western, romance, horror film, biopic, musical, mystery,
        heist film, cartoon, period piece, war film, courtroom drama, road movie, science fiction film, remake
    """),
    names=(
        "The {title_word} {title_noun}",
        "{title_noun} of {invented}",
        "{title_word} {title_noun}",
        "The {title_noun} and the {title_noun}",
    ),
    makers=("{surname}",),
    be=("is", "are"),
    prices=terms("$12, $9.50, $14, $11, $8, $16, $10.50, $13, $17.90, $7, $15, $9, $18"),
    context=lines("""
        saw {name} on {day} with my {relative}
        {maker} made this one {span} after {rival}
        we watched it at the little cinema in {place}
        the story starts in {place} during a flood
        it runs for two hours and {count} minutes
        I went in without having read the book
        it is about a {trade} who returns to {place}
        {person} picked it for {occasion}
        tickets were {price} each
        it is the third {item} by {maker} that I have seen
        the lead plays a retired {trade} with a secret
        the room was half full, mostly students
        a {trade} and a {trade} share a house by the sea, that is the setup
    """),
    facets=(
        Facet(
            terms("plot, script, story, ending, dialogue, twist, first act, second half, subplot, flashbacks, premise"),
            terms("""
                gripping, witty, clever, moving, tight, unpredictable, layered, suspenseful, original, well paced,
                poignant, razor-sharp, tender, riveting, intricate, bold, subtle, quotable, nimble, haunting
            """),
            terms("""
                predictable, thin, muddled, full of holes, clichéd, contrived, incoherent, stale, rushed, preachy,
                bloated, nonsensical, derivative, hackneyed, plodding, far-fetched, corny, convoluted, trite, lazy
            """),
        ),
        Facet(
            terms("""
                acting, lead, cast, villain, performances, chemistry, supporting actors, narrator, child actor, duo
            """),
            terms("""
                convincing, magnetic, nuanced, heartfelt, hilarious, restrained, believable, electrifying, fearless,
                warm, touching, note-perfect, luminous, expressive, commanding, understated
            """),
            terms("""
                wooden, flat, miscast, stilted, unconvincing, hammy, bland, irritating, lifeless, one-note, overacted,
                monotone, smug, phoned in, cardboard, grating, mumbling, robotic
            """),
        ),
        Facet(
            terms("camera work, effects, costumes, editing, lighting, sets, stunts, scenery"),
            terms("""
                beautiful, breathtaking, atmospheric, inventive, lush, striking, crisp, evocative, lavish, fluid,
                painterly, meticulous, majestic, handcrafted
            """),
            terms("""
                cheap-looking, choppy, murky, shaky, garish, distracting, overblown, drab, unfinished, jarring, amateur,
                gloomy, sloppy, headache-inducing, fake
            """),
        ),
        Facet(
            terms("score, music, soundtrack, title song, sound mix, choir"),
            terms("""
                rousing, hypnotic, haunting, stirring, catchy, soulful, delicate, spine-tingling, melodic, sweeping,
                restrained
            """),
            terms("""
                deafening, repetitive, syrupy, intrusive, tuneless, bombastic, whiny, generic, overbearing, cheesy,
                grating
            """),
        ),
        Facet(
            terms("pacing, tone, humour, jokes, running time, opening scene, finale, romance, suspense, message"),
            terms("""
                brisk, funny, assured, well judged, sincere, spot-on, lively, playful, absorbing, deft, infectious,
                honest, thrilling, bittersweet, exhilarating, mischievous, humane
            """),
            terms("""
                slow, unfunny, dull, uneven, endless, childish, forced, crude, glacial, mawkish, laboured, sentimental,
                tasteless, tone-deaf, dragging, ponderous, juvenile, smarmy
            """),
        ),
    ),
    praise=lines("""
        I laughed until my sides hurt
        the last scene had the whole room in tears
        I forgot the time completely
        we talked about it all the way back to {place}
        {maker} has never been better
        I went again on {day}, and noticed {count} new details
        not a dull minute in it
        the audience clapped, which never happens in {place}
        my {relative} bought the soundtrack the next day
        it stayed with me for {span}
        the twist caught me off guard
        it earns every one of its tears
        I would watch the lead read a phone book
        it finds something new in an old tale
        it made {few} strangers in row C hug
    """),
    blame=lines("""
        I checked my watch {count} times
        we walked out after {count} minutes
        my {relative} fell asleep before the middle
        {maker} should stick to adverts
        I guessed the killer in the first {count} minutes
        two hours of my life that I will never get back
        the people in row C were more interesting
        nothing happens, and then it happens again
        the trailer shows the only decent scene
        {rival} told the same tale with a tenth of the money
        I wanted to like it and gave up
        somebody behind me snored, and I envied him
        it thinks it is deep and it is a puddle
        it insults the book
        half the room left before the credits
    """),
    sarcasm=lines("""
        great, another {item} where everybody whispers for two hours
        a masterpiece, if you have always wanted to watch paint dry
        loved the part where it ended
        brilliant twist, I only saw it coming for {count} minutes
        wow, a brooding {trade} with a dark past, how very original
        wonderful nap, the seats were the best actors
        congratulations to {maker} on filming the same story yet again
        so glad they spent {count} million on that wig
    """),
)

MEALS = Domain(
    items=terms("""
        restaurant, bistro, diner, pizzeria, noodle bar, tapas place, curry house, cafe, steakhouse, bakery, taqueria,
        fish bar, brunch spot, ramen place, trattoria, tea room, food truck, gastropub, grill, sushi counter
    """),
    names=("The {title_word} {ladle}", "Casa {invented}", "{invented}", "{surname}'s", "The {ladle} and {ladle}"),
    makers=("chef {surname}", "{surname}"),
    be=("was", "were"),
    prices=terms("$45, $30, $60, $25, $38, $75, $52, $19, $90, $33, $68, $41, $27.50, $84, $110, $22"),
    context=lines("""
        we went to {name} on {day} for {occasion}
        it is the {item} on the corner, across from the {place} library
        there were {few} of us
        I had the {dish} and my {relative} had the {dish}
        {maker} used to cook in {place}
        the menu changes in {month}
        we paid {price} a head with drinks
        {person} booked a table near the window
        the house special is the {dish}
        it opened in {month}, where the old bank used to be
        we ordered the {dish}, the {dish} and two coffees
        we came after a walk around {place}
        I ate at the bar with a book
    """),
    facets=(
        Facet(
            terms("""
                {dish}, sauce, starter, main course, dessert, bread, soup, pastry, filling, salad, broth, crust, side
                dish
            """),
            terms("""
                delicious, tasty, fresh, juicy, crisp, tender, flavourful, fragrant, perfectly seasoned, buttery, silky,
                mouth-watering, smoky, zesty, homely, moreish, succulent, velvety, flaky, aromatic, scrumptious, sublime
            """),
            terms("""
                bland, cold, soggy, greasy, overcooked, undercooked, stale, dry, salty, burnt, rubbery, watery,
                tasteless, chewy, lukewarm, mushy, congealed, gristly, sour, slimy, raw in the middle, leathery, claggy,
                rancid
            """),
        ),
        Facet(
            terms("service, waiter, waitress, staff, host, kitchen, barman, welcome, team"),
            terms("""
                friendly, attentive, quick, warm, cheerful, patient, knowledgeable, gracious, accommodating, unhurried,
                helpful, hospitable, charming, discreet, genial, on the ball
            """),
            terms("""
                rude, slow, inattentive, arrogant, grumpy, chaotic, forgetful, dismissive, overwhelmed, surly, sulky,
                snooty, absent, disorganised, brusque, sullen, curt, patronising
            """),
        ),
        Facet(
            terms("dining room, terrace, atmosphere, music, decor, table, lighting, courtyard, cutlery, seating"),
            terms("""
                cosy, inviting, relaxed, airy, romantic, spotless, intimate, lively, homely, tasteful, candlelit, sunny,
                welcoming, snug, quaint, elegant, leafy
            """),
            terms("""
                cramped, noisy, sticky, draughty, gloomy, grubby, stuffy, sterile, deafening, smelly, wobbly, filthy,
                greasy, freezing, overcrowded, dusty, dingy
            """),
        ),
        Facet(
            terms("portions, wine list, menu, set lunch, cocktails, dessert menu, tasting menu"),
            terms("""
                generous, varied, imaginative, well chosen, inventive, seasonal, ample, exciting, hearty, plentiful,
                adventurous, eclectic
            """),
            terms("""
                tiny, limited, skimpy, uninspired, stingy, confusing, meagre, pretentious, pitiful, gimmicky, dated,
                laughable, dreary
            """),
        ),
        Facet(
            terms("bill, prices, service charge, price of the wine, set price"),
            terms("""
                reasonable, fair, honest, affordable, modest, friendly, sensible, down-to-earth, humane, low, moderate
            """),
            terms("""
                overpriced, eye-watering, extortionate, inflated, wrong, steep, cheeky, outrageous, dishonest, padded,
                exorbitant
            """),
        ),
    ),
    praise=lines("""
        we licked the plates clean
        they remembered my nut allergy without being asked
        I dream about the {dish}
        we stayed for {few} hours and nobody rushed us
        {maker} came out to say hello
        my {relative} asked for the recipe
        they brought an extra dessert for {occasion}
        even the olives tasted of something
        I would drive from {place} for the {dish} alone
        I ate every crumb
        we booked again before we left
        I have not had better {dish} since {person} moved away
        they made the kids a special plate, smiling
        seconds were offered, seconds were eaten
        the smell alone made us hungry again
    """),
    blame=lines("""
        we waited {count} minutes for a glass of water
        there was a hair in my {dish}
        they brought the wrong dish and charged for it
        I was ill for {few} days after the {dish}
        we left hungry
        nobody apologised
        they lost our booking and shrugged
        the microwave pinged {count} times while we waited
        they added a service charge for no service
        the {dish} came out of a tin
        half of the menu was sold out by seven
        my {relative} sent the {dish} back twice
        we had chips on the way home instead
        the toilets explain everything about the kitchen
        {rival} down the road does it better for half the money
    """),
    sarcasm=lines("""
        great, a portion so small that I needed glasses to find it
        delicious, if you like your {dish} frozen in the middle
        lovely of them to let us admire the empty table for {count} minutes
        what a treat, paying {price} for toast
        the waiter was so attentive that he visited us once
        amazing how they got the {dish} both burnt and raw, real talent
        wonderful, a fly in the {dish} and no extra charge
        superb idea to seat us beside the toilets for {occasion}
    """),
)

HOTELS = Domain(
    items=terms("""
        hotel, guest house, hostel, resort, bed and breakfast, lodge, inn, motel, apartment, chalet, campsite, spa
        hotel, farm stay, cottage, boutique hotel, beach bungalow, mountain hut, houseboat
    """),
    names=("Hotel {invented}", "{place_start}{place_end} Lodge", "The {title_word} {ladle}", "{invented} {palace}"),
    makers=("the {surname} family", "{invented} Group", "{surname}"),
    be=("was", "were"),
    prices=terms("$120, $95, $180, $70, $140, $210, $85, $160, $55, $240, $105, $320, $78, $133, $64, $275"),
    context=lines("""
        we stayed at {name} for {few} nights in {month}
        booked a double room for {occasion}
        it is a {item} about {count} minutes from {place}
        {maker} took over the place last {month}
        room number {count}, on the third floor
        I was there for {occasion}
        we paid {price} a night
        there is a bus to {place} twice an hour
        the building used to be a school, says {person}
        we came by train from {place} with my {relative}
        check-in is from three, check-out by eleven
        the lobby has a stuffed {animal} in it
        our window faced the {place} road
    """),
    facets=(
        Facet(
            terms("bed, mattress, pillows, towels, sheets, duvet, sofa bed, bedding"),
            terms("""
                comfortable, soft, fluffy, plush, luxurious, cloud-like, crisp, fresh, heavenly, warm, silky,
                springy, snug
            """),
            terms("""
                lumpy, stained, damp, threadbare, rock-hard, smelly, saggy, flea-ridden, scratchy, grubby, hairy,
                yellowed, itchy
            """),
        ),
        Facet(
            terms("room, bathroom, shower, balcony, carpet, bathtub, wardrobe, corridor"),
            terms("""
                spotless, spacious, immaculate, bright, cosy, gleaming, airy, sparkling, roomy, well equipped, clean,
                tidy, quaint
            """),
            terms("""
                dirty, tiny, mouldy, broken, musty, cold, dusty, leaky, mildewed, clogged, grimy, dark, cramped,
                decrepit, sticky
            """),
        ),
        Facet(
            terms("reception, staff, porter, manager, concierge, cleaner, night clerk, front desk, housekeeping"),
            terms("""
                welcoming, friendly, obliging, helpful, attentive, discreet, courteous, cheerful, kind, multilingual,
                efficient, thoughtful, accommodating, gracious, big-hearted, smiling
            """),
            terms("""
                rude, indifferent, unhelpful, hostile, clueless, lazy, unfriendly, absent, snappy, bored, condescending,
                impatient, nosy, sour-faced, uncooperative, disinterested, bossy
            """),
        ),
        Facet(
            terms("breakfast, buffet, coffee, bar food, packed lunch, afternoon tea, dinner"),
            terms("""
                plentiful, varied, delicious, fresh, bountiful, hearty, tasty, homemade, filling, wholesome, aromatic,
                sumptuous
            """),
            terms("""
                stale, stingy, cold, undrinkable, weak, bland, meagre, picked over, greasy, tasteless, burnt, inedible,
                sad
            """),
        ),
        Facet(
            terms("pool, sauna, gym, spa, garden, beach, lounge"),
            terms("""
                relaxing, heated, tranquil, well kept, clean, serene, inviting, sunny, lush, restful, secluded,
                pampering
            """),
            terms("""
                closed, overcrowded, filthy, neglected, slimy, shut for repairs, weedy, litter-strewn, cloudy,
                abandoned, freezing, murky
            """),
        ),
        Facet(
            terms("location, view, neighbourhood, street, setting, way to the station"),
            terms("""
                convenient, peaceful, central, stunning, safe, panoramic, breathtaking, walkable, picturesque,
                sheltered, scenic, leafy
            """),
            terms("""
                remote, loud, seedy, unsafe, bleak, dodgy, hair-raising, ugly, inconvenient, isolated, industrial,
                depressing, polluted
            """),
        ),
        Facet(
            terms("wifi, parking, lift, heating, air conditioning, soundproofing, hot water"),
            terms("""
                fast, handy, dependable, effective, silent, hassle-free, reliable, excellent, modern, efficient,
                adjustable, speedy
            """),
            terms("""
                patchy, out of order, broken, rattling, erratic, inadequate, feeble, hopeless, ancient, pathetic,
                spotty, wheezing
            """),
        ),
    ),
    praise=lines("""
        we slept like logs
        they upgraded us for free
        they had a cake waiting for {occasion}
        my {relative} did not want to leave
        we woke up to birdsong and fresh rolls
        the night clerk found my lost ring within {count} minutes
        they let us keep the room until evening
        we extended by {few} nights
        {maker} drove us to {place} when the bus failed
        we have already booked for next {month}
        not a sound all night
        they lent us boots, maps and a thermos
        you could eat off the floor
        somebody left a handwritten card and chocolates on the desk
        I felt rested for the first time in {span}
    """),
    blame=lines("""
        we did not sleep at all
        there were bugs in the bed
        they gave our room away
        the drill next door started at six
        they charged my card twice and deny it
        the hot water ran out after {count} minutes
        we found hair in the sink from the last guest
        we checked out {few} nights early
        the photos on the website must be from another {item}
        nobody answered the desk phone all night
        my {relative} slept in the car
        they wanted {count} dollars extra for towels
        {maker} shrugged when we complained
        the ceiling dripped on our suitcase
        the key card failed {count} times
    """),
    sarcasm=lines("""
        great, a sea view if you lean out and know somebody with a drone
        lovely wake-up service, the drill started at six sharp
        how generous, one towel for {few} people
        the ants were the friendliest staff by far
        perfect for anybody who enjoys cold showers and {count} flights of stairs
        charming "garden room", the garden was in the carpet
        wonderful soundproofing, I now know everything about {person} next door
        five-star mould, beautifully arranged
    """),
)

APPS = Domain(
    items=terms("""
        app, budget app, photo app, notes app, running app, recipe app, language app, calendar app, chess app, game,
        puzzle, banking app, weather app, sleep tracker, podcast player, dating app, to-do list, map app, scanner app,
        bird guide
    """),
    names=("{invented}", "{invented} {app_word}", "{app_word}{a3}", "My{app_word}"),
    makers=("{invented} Labs", "{invented} Studio", "{invented}"),
    be=("is", "are"),
    prices=terms("$4.99, $9.99, $29, $2.99, $19.99, $39, $49.90, $12, $59, $6.50, $24, $3.49, $69.99, $35"),
    context=lines("""
        I have been using {name} for {span}
        running it on an older phone with {count} gigs free
        installed it in {month} because {person} sent me a link
        the paid plan is {price} a year
        I switched over from {rival} in {month}
        I open it {count} times a day, usually on the bus to {place}
        version {count} came out on {day}
        my {relative} uses it on a tablet
        it asks for your birthday and a four-digit code
        I needed something simple for {occasion}
        there are {count} screens and a settings page
        the icon is a little blue {animal}
    """),
    facets=(
        Facet(
            terms("""
                interface, layout, design, dark mode, home screen, widgets, fonts, navigation, onboarding, menus, icons
            """),
            terms("""
                clean, intuitive, elegant, uncluttered, clear, slick, accessible, minimalist, friendly, tidy, readable,
                beautiful, consistent, delightful, streamlined, discoverable, modern, restful
            """),
            terms("""
                cluttered, confusing, ugly, clumsy, dated, crowded, illegible, chaotic, inconsistent, bewildering,
                garish, unreadable, messy, labyrinthine, overdesigned, childish, hostile, cramped
            """),
        ),
        Facet(
            terms("""
                sync, search, backup, login, offline mode, notifications, export, update, performance, startup,
                scrolling
            """),
            terms("""
                fast, reliable, instant, smooth, seamless, rock-solid, accurate, snappy, stable, timely, effortless,
                flawless, nimble, lightweight, foolproof, buttery, trouble-free
            """),
            terms("""
                slow, broken, unreliable, laggy, buggy, glitchy, unstable, crash-prone, sluggish, jerky, patchy, pesky,
                defunct, wonky, half-finished, corrupted, flaky, bug-ridden, janky
            """),
        ),
        Facet(
            terms("subscription, pricing, free version, premium plan, trial, ads, billing, in-app purchases"),
            terms("""
                fair, generous, transparent, unobtrusive, reasonable, honest, inexpensive, optional, modest, good value,
                respectful, ungreedy, bearable, sensible
            """),
            terms("""
                greedy, intrusive, overpriced, sneaky, relentless, deceptive, exorbitant, predatory, shady, dishonest,
                aggressive, constant, manipulative, hidden in small print, parasitic, outrageous
            """),
        ),
        Facet(
            terms("""
                support, privacy, community, tutorial, help page, documentation, translations, developers, forum,
                chatbot
            """),
            terms("""
                responsive, helpful, thorough, trustworthy, welcoming, patient, clear, exemplary, reassuring, prompt,
                active, thoughtful, supportive, attentive, accurate, candid
            """),
            terms("""
                unresponsive, useless, nonexistent, invasive, toxic, evasive, outdated, vague, robotic, careless,
                arrogant, incomplete, worrying, silent, incomprehensible, canned, spammy
            """),
        ),
    ),
    praise=lines("""
        it just works
        it has not crashed once in {span}
        I finally keep track of everything
        a bug that I reported was fixed in {count} days
        the last update made it even faster
        it runs smoothly even on my old phone
        it found {count} duplicates in seconds
        I deleted {count} other apps because of it
        no ads, no tricks, no nagging
        my {relative} learned it in {count} minutes
        I happily pay for the full version
        it brought all my old notes over without a hitch
        it got me out of the house every {day}
        the reminders saved me from missing {occasion}
        they answer e-mails, written by an actual human
    """),
    blame=lines("""
        it crashes every time I open it
        the last update deleted {span} of my notes
        it drains the battery by noon
        they moved everything behind a paywall
        I cannot log in since {month}
        it nags me for a rating {count} times a day
        I cancelled and they still charged me {price}
        it lost my data twice
        it shows an ad after every tap
        it froze on the loading screen for {count} minutes
        there is no way to delete the account
        the support form itself gives an error
        it logs me out on every bus ride
        half of the buttons do nothing
        I uninstalled it after {span}
    """),
    sarcasm=lines("""
        great, another update that deletes my photos
        love watching {count} ads to set one alarm
        wonderful, a {item} that needs my location to count to ten
        fantastic update, now the only button that works is "buy"
        perfect app, as long as you never open it
        so helpful, it reminded me of {occasion} a week later
        nice, they fixed the crash by removing the feature
        brilliant idea to log me out in the middle of {occasion}
    """),
)

DOMAINS: Final = (GADGETS, FILMS, MEALS, HOTELS, APPS)

# --- Chance. ---------------------------------------------------------------------------------------------------------


def one_of(rng: Random, options: Sequence[T]) -> T:
    """Draw one option, all equally likely."""
    return options[int(rng.random() * len(options))]


def early_of(rng: Random, options: Sequence[T]) -> T:
    """Draw one option, the earlier the likelier, which gives word lists a long tail."""
    chance = rng.random()
    return options[int(chance * chance * len(options))]


def happens(rng: Random, chance: float) -> bool:
    return rng.random() < chance


def between(rng: Random, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return low + int(rng.random() * (high - low + 1))


def weighted(rng: Random, options: Sequence[tuple[T, int]]) -> T:
    """Draw one option by its weight.  Weights are whole numbers: floats may add up differently between versions."""
    point = int(rng.random() * sum(weight for _, weight in options))
    for option, weight in options:
        point -= weight
        if point < 0:
            return option
    raise ValueError("the weights must be positive")


# --- From templates to sentences. ------------------------------------------------------------------------------------

SLOT: Final = re.compile(r"\{(\w+)\}")
ARTICLE: Final = re.compile(r"\b([Aa]) (?=(?!one|uni[fqtv]|use|eu)[aeiou]|hour|honest)", re.IGNORECASE)
NEW_SENTENCE: Final = re.compile(r"(^\"?|\? )([a-z])")
REDRAWS: Final = 5


def fill(rng: Random, template: str, scope: Mapping[str, str]) -> str:
    """Replace every {slot}, first from the scope, then from the shared word lists, avoiding a word used before."""
    while slot := SLOT.search(template):
        value = scope.get(slot[1], "")
        for _ in range(REDRAWS):
            if value and (slot[1] in scope or value not in template):
                break
            value = early_of(rng, SHARED[slot[1]])
        template = template[: slot.start()] + value + template[slot.end() :]
    return ARTICLE.sub(r"\1n ", template)


def capitalize(sentence: str) -> str:
    return NEW_SENTENCE.sub(lambda match: match[1] + match[2].upper(), sentence)


def count_words(sentences: Sequence[str]) -> int:
    return sum(len(sentence.split()) for sentence in sentences)


def opposite(label: Label) -> Label:
    return NEGATIVE if label == POSITIVE else POSITIVE


def is_plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith("ss")


# --- Who and what is reviewed. ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listing:
    """One thing that can be reviewed.  The reputation is the chance that a review of it is positive."""

    domain: Domain
    name: str
    maker: str
    item: str
    price: str
    reputation: float


def make_listings(rng: Random, domain: Domain) -> list[Listing]:
    """Invent the listings of a domain, each with its own name."""
    listings: list[Listing] = []
    taken: set[str] = set()
    while len(listings) < LISTINGS_PER_DOMAIN:
        name = fill(rng, one_of(rng, domain.names), {})
        if name in taken:
            continue
        taken.add(name)
        maker = fill(rng, one_of(rng, domain.makers), {})
        item, price = early_of(rng, domain.items), one_of(rng, domain.prices)
        reputation = REPUTATIONS[len(listings) % len(REPUTATIONS)]
        listings.append(Listing(domain, name, maker, item, price, reputation))
    return listings


# --- Writing a review. -----------------------------------------------------------------------------------------------

# The share of ...
COLOURED: Final = 0.3  # intensifiers that take a side (painfully, pleasantly)
NEGATED: Final = 0.17  # statements that negate the contrary
CONCEDED: Final = 0.07  # sentences of a plain review that grant the other side a point
CLOSED: Final = 0.6  # plain reviews with a closing sentence
OFF_TOPIC_ASIDES: Final = 0.35  # padding that has nothing to do with the thing
REMARKS: Final = (("facet", 62), ("event", 20), ("general", 18))
ATTEMPTS: Final = 80  # sentences tried before a draft is left shorter than its target
SLACK: Final = 4  # words by which a draft may exceed its target


@dataclass
class Writer:
    """Writes the sentences of one review and avoids saying the same thing twice."""

    rng: Random
    listing: Listing
    rival: str
    label: Label
    used: list[str] = field(default_factory=list)

    def say(self, templates: Sequence[str], scope: Mapping[str, str] | None = None) -> str:
        about = {
            "name": self.listing.name,
            "maker": self.listing.maker,
            "item": self.listing.item,
            "price": self.listing.price,
            "rival": self.rival,
        }
        return fill(self.rng, self.fresh(templates), {**about, **(scope or {})})

    def fresh(self, options: Sequence[str]) -> str:
        """Draw an option that this review has not used yet, if one is left."""
        left = [option for option in options if option not in self.used]
        choice = one_of(self.rng, left or options)
        self.used.append(choice)
        return choice

    def context(self) -> str:
        return self.say(self.listing.domain.context)

    def facet_scope(self, mood: Label) -> dict[str, str]:
        """Choose a facet, two of its nouns and words of the given mood for it."""
        facet = one_of(self.rng, self.listing.domain.facets)
        words = facet.praise if mood == POSITIVE else facet.blame
        noun = fill(self.rng, self.fresh(facet.nouns), {})
        noun2 = fill(self.rng, self.fresh(facet.nouns), {})
        singular, plural = self.listing.domain.be
        be = plural if is_plural(noun) else singular
        adjective = early_of(self.rng, words)
        return {
            "noun": noun,
            "noun2": noun2,
            "be": be,
            "be2": plural if is_plural(noun2) else singular,
            "be_it": f"{'they' if is_plural(noun) else 'it'} {be}",
            "adv": self.intensifier(mood),
            "adj": adjective,
            "adj2": early_of(self.rng, [word for word in words if word != adjective]),
            "trait": early_of(self.rng, [word for word in words if " " not in word]),
        }

    def intensifier(self, mood: Label) -> str:
        coloured = "warmly" if mood == POSITIVE else "coldly"
        return early_of(self.rng, SHARED[coloured if happens(self.rng, COLOURED) else "very"])

    def statement(self, mood: Label, nested: bool = False) -> str:
        """Praise or blame one facet, directly or by negating the contrary; nested if a sentence goes round it."""
        if happens(self.rng, NEGATED):
            negated = NEGATED_BLAME if mood == POSITIVE else NEGATED_PRAISE
            return self.say(negated, self.facet_scope(opposite(mood)))
        return self.say(DIRECT if nested else DIRECT + DIRECT_ALONE, self.facet_scope(mood))

    def remark(self, mood: Label, nested: bool = False) -> str:
        """Praise or blame in any way: a facet, something that happened, or a general verdict."""
        domain = self.listing.domain
        happened, general = (domain.praise, PRAISE) if mood == POSITIVE else (domain.blame, BLAME)
        kind = weighted(self.rng, REMARKS)
        if kind == "facet":
            return self.statement(mood, nested)
        return self.say(happened if kind == "event" else general)

    def aside(self) -> str:
        """Say something that tells nothing about the label."""
        return self.say(OFF_TOPIC) if happens(self.rng, OFF_TOPIC_ASIDES) else self.context()

    def concession(self) -> str:
        """Grant the other side one point without changing the verdict."""
        templates = CONCEDE_BLAME if self.label == POSITIVE else CONCEDE_PRAISE
        return self.say(templates, {"statement": self.statement(opposite(self.label), nested=True)})

    def turn(self, mood: Label) -> str:
        return self.say(TURN, {"statement": self.remark(mood, nested=True)})

    def hedge(self, mood: Label) -> str:
        return self.say(HEDGE, {"statement": self.statement(mood, nested=True)})

    def ending(self) -> str:
        return self.say(ENDING_GOOD if self.label == POSITIVE else ENDING_BAD)


def grow(draft: list[str], make: Callable[[], str], target: int) -> None:
    """Add sentences to the draft until it has about the target number of words."""
    limit = min(target + SLACK, MAX_WORDS)
    for _ in range(ATTEMPTS):
        if count_words(draft) >= target:
            return
        sentence = make()
        if not draft or count_words([*draft, sentence]) <= limit:
            draft.append(sentence)


def plain_review(writer: Writer, target: int) -> list[str]:
    """One clear opinion, with some padding and now and then a concession."""
    rng, label = writer.rng, writer.label
    padding = 0.1 + 0.4 * rng.random()

    def sentence() -> str:
        if happens(rng, padding):
            return writer.aside()
        return writer.concession() if happens(rng, CONCEDED) else writer.remark(label)

    draft = [writer.context()] if target > 20 and happens(rng, 0.6) else [writer.remark(label)]
    closing = [writer.ending()] if happens(rng, CLOSED) else []
    grow(draft, sentence, target - count_words(closing))
    return draft + closing


def mixed_review(writer: Writer, target: int) -> list[str]:
    """Praise and blame in equal measure; only the closing decides."""
    rng, label = writer.rng, writer.label
    first = label if happens(rng, 0.4) else opposite(label)
    closing = [writer.turn(label), writer.ending()]
    draft = [writer.remark(first), writer.turn(opposite(first))]

    def sentence() -> str:
        return writer.aside() if happens(rng, 0.4) else writer.remark(label if happens(rng, 0.55) else opposite(label))

    grow(draft, sentence, target - count_words(closing))
    return draft + closing


def hedged_review(writer: Writer, target: int) -> list[str]:
    """An opinion so careful that it nearly disappears."""
    rng, label = writer.rng, writer.label
    draft = [writer.say(HEDGED_OPENING, writer.facet_scope(label))]
    closing = [writer.say(HEDGED_GOOD if label == POSITIVE else HEDGED_BAD)]

    def sentence() -> str:
        mood = label if happens(rng, 0.65) else opposite(label)
        return writer.aside() if happens(rng, 0.35) else writer.hedge(mood)

    grow(draft, sentence, target - count_words(closing))
    return draft + closing


def sarcastic_review(writer: Writer, target: int) -> list[str]:
    """Blame dressed up as praise."""
    rng = writer.rng

    def sentence() -> str:
        if happens(rng, 0.4):
            return writer.aside()
        return writer.say(writer.listing.domain.sarcasm if happens(rng, 0.6) else SARCASM)

    draft = [writer.say(writer.listing.domain.sarcasm)]
    closing = [writer.ending()] if happens(rng, 0.25) else []
    grow(draft, sentence, min(target, 60) - count_words(closing))
    return draft + closing


def off_topic_review(writer: Writer, target: int) -> list[str]:
    """Chatter about parcels, opening hours and aunts; the stars were given for something else."""
    draft: list[str] = []
    grow(draft, lambda: writer.say(OFF_TOPIC), min(target, 70))
    return draft


def short_review(writer: Writer, _target: int) -> list[str]:
    """A few words and nothing else, whatever the target."""
    templates = SHORT_GOOD if writer.label == POSITIVE else SHORT_BAD
    draft = [writer.say(templates, writer.facet_scope(writer.label))]
    return draft if count_words(draft) >= MIN_WORDS else [*draft, writer.ending()]


Plan = Callable[[Writer, int], list[str]]

PLANS: Final[dict[Label, tuple[tuple[Plan, int], ...]]] = {
    POSITIVE: (
        (plain_review, 67),
        (mixed_review, 14),
        (hedged_review, 7),
        (off_topic_review, 4),
        (short_review, 8),
    ),
    NEGATIVE: (
        (plain_review, 61),
        (mixed_review, 14),
        (hedged_review, 7),
        (sarcastic_review, 6),
        (off_topic_review, 4),
        (short_review, 8),
    ),
}


def target_length(rng: Random) -> int:
    """Draw a length in words: mostly short, a few as long as allowed."""
    if happens(rng, 0.02):
        return between(rng, 120, MAX_WORDS)
    chance = rng.random()
    return 10 + int(chance * chance * 100)


# --- How it is typed. ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Style:
    """The habits of one writer at the keyboard."""

    typo_rate: float
    exclaims: float
    lower_case: bool
    shouts: bool
    emoji: bool
    ends_open: bool


def draw_style(rng: Random) -> Style:
    return Style(
        typo_rate=weighted(rng, ((0.0, 40), (0.01, 35), (0.05, 25))),
        exclaims=weighted(rng, ((0.0, 60), (0.15, 30), (0.7, 10))),
        lower_case=happens(rng, 0.08),
        shouts=happens(rng, 0.04),
        emoji=happens(rng, 0.09),
        ends_open=happens(rng, 0.1),
    )


def misspell(rng: Random, word: str) -> str:
    """Swap, drop or double one letter inside the word."""
    place = between(rng, 1, len(word) - 3)
    before, here, after, rest = word[:place], word[place], word[place + 1], word[place + 2 :]
    kind = between(rng, 1, 3)
    if kind == 1:
        return before + after + here + rest
    return before + after + rest if kind == 2 else before + here + here + after + rest


def add_typos(rng: Random, text: str, rate: float) -> str:
    words = text.split(" ")
    for index, word in enumerate(words):
        if len(word) > 4 and word.isascii() and word.isalpha() and happens(rng, rate):
            words[index] = misspell(rng, word)
    return " ".join(words)


def punctuate(rng: Random, sentence: str, exclaims: float) -> str:
    if sentence.endswith(("?", "!", ".")):
        return sentence
    if happens(rng, exclaims):
        return sentence + one_of(rng, ("!", "!", "!!"))
    return sentence + ("..." if happens(rng, 0.02) else ".")


def shout(rng: Random, text: str) -> str:
    """Put one longer word in capitals."""
    words = text.split(" ")
    places = [index for index, word in enumerate(words) if len(word) > 4]
    if places:
        index = one_of(rng, places)
        words[index] = words[index].upper()
    return " ".join(words)


def fit(sentences: Sequence[str]) -> list[str]:
    """Leave out the sentence before the closing until the review is within the allowed length."""
    kept = list(sentences)
    while count_words(kept) > MAX_WORDS:
        del kept[-2]
    return kept


def type_out(writer: Writer, sentences: Sequence[str], style: Style) -> str:
    """Join the sentences into one text in the style of a writer."""
    rng = writer.rng
    text = " ".join(punctuate(rng, capitalize(sentence), style.exclaims) for sentence in fit(sentences))
    text = add_typos(rng, text, style.typo_rate)
    if style.shouts:
        text = shout(rng, text)
    if style.lower_case:
        text = text.lower()
    if style.ends_open:
        text = text.rstrip(".")
    if style.emoji and count_words([text]) < MAX_WORDS:
        text += " " + one_of(rng, EMOJI[writer.label])
    return text


# --- The whole set. --------------------------------------------------------------------------------------------------


def make_review(rng: Random, listings: Sequence[Listing]) -> tuple[str, Label]:
    """Write one review of one of the listings and give it its label, sometimes the wrong one."""
    listing = early_of(rng, listings)
    label = POSITIVE if happens(rng, listing.reputation) else NEGATIVE
    rival = one_of(rng, [other.name for other in listings if other is not listing])
    writer = Writer(rng, listing, rival, label)
    plan = weighted(rng, PLANS[label])
    text = type_out(writer, plan(writer, target_length(rng)), draw_style(rng))
    return text, opposite(label) if happens(rng, WRONG_LABELS) else label


def make_reviews(seed: int = SEED, rows: int = ROWS) -> list[tuple[str, Label]]:
    """Make the whole data set."""
    rng = Random(seed)
    catalogue = [make_listings(rng, domain) for domain in DOMAINS]
    return [make_review(rng, one_of(rng, catalogue)) for _ in range(rows)]


def write_csv(path: Path, reviews: Sequence[tuple[str, Label]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("text", "label"))
        table.writerows(reviews)


def main() -> None:
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("reviews.csv"), metavar="FILE")
    options = parser.parse_args()
    reviews = make_reviews()
    write_csv(options.output, reviews)
    print(f"wrote {len(reviews)} reviews to {options.output}")


if __name__ == "__main__":
    main()
