"""The attendant: greet a stranger, let him key or say whom he wants, judge who does neither.

What gets a caller through is what he must do: a key, or one short isolated spoken answer that
names a choice (or, asked in doubt, answers the challenge). What he says otherwise never rings a
phone; it is evidence for the verdict, which is asked all the time while we listen.

A recording that talks over the greeting is asked again at once, and goes on: that, with what it
says, settles it. A person who talks over the greeting stops, and is asked until he is understood,
or leaves a message.

    menu.py     what can be chosen at a point       asking.py   a question, and what it showed
    proof.py    the challenge                       parting.py  calls that ring no phone
    phonebook.py   a name spelled on the keys
"""

from __future__ import annotations

from dataclasses import replace

from screener.core import emergency
from screener.core.asking import CallerUnheard, answer, ask, tell
from screener.core.call import Ending
from screener.core.callback import ask_for_call
from screener.core.course import Course
from screener.core.evidence import keyed_while_talking
from screener.core.frontdoor import Challenged, Choice, Extension, Menu, Reply, Step
from screener.core.menu import AGAIN, BACK, Desk, Options, Question, options
from screener.core.message import ring_or_take_message, take_message
from screener.core.parting import end_if_settled, offer_box
from screener.core.phonebook import look_up
from screener.core.proof import is_in_doubt, is_to_prove_first, prove
from screener.core.script import Heard, HeardBy, Note, Script, do

# A menu may lead to itself, and "#" has it read out again: so many questions in one call are enough
# for a person, and then he has the message box.
MOST_QUESTIONS = 25
# After so many answers that were not surely understood, only keys count.
_UNSURE = 2
_YES = "1"
_CAME = "came outside the hours"
_OUTSIDE = f"the caller {_CAME}"
_SAID_YES, _SAID_NO = "yes", "no"


def attend(desk: Desk, course: Course) -> Script[Ending]:
    """Ask until something is chosen that ends the call, or the verdict says how it ends.

    Who cannot be heard, and presses no key, gets through: it is we who have failed.
    """
    try:
        return (yield from _attend(desk, course))
    except CallerUnheard as unheard:
        return (yield from _let_through(f"could not be heard ({unheard})", desk, course))


def _attend(desk: Desk, course: Course) -> Script[Ending]:
    door = desk.door
    yield from answer(course, listening=True)
    course.box = door.box
    if is_to_prove_first(door, course) and not course.proved:
        ended = yield from prove(desk, course, Options(""))
        if isinstance(ended, Ending):
            return ended
    reply = door.reply(desk.at)
    if reply is not door.open:
        yield from do(Note(f"the door is closed: {reply.greeting}"))
    if reply.to is not None:
        return (yield from _send(reply, reply.to, desk, course))
    first = options(door, reply.menu)
    return (yield from _serve(Question(first, (reply.greeting, first.prompt)), desk, course))


def _send(reply: Reply, to: Choice, desk: Desk, course: Course) -> Script[Ending]:
    """Greet, and go on as the owner said. A phone rings only for who answers the challenge first,
    unless the owner wants nobody asked."""
    course.doing = "while being greeted"
    yield from tell((reply.greeting,), course)
    ended = yield from end_if_settled(course, asked=False)
    if ended is not None:
        return ended
    if to.step is Step.MESSAGE:
        return (yield from offer_box(desk.directory.boxes[to.aim], course, _OUTSIDE))
    nothing = Options(desk.door.menu)
    if to.step in (Step.EXTENSION, Step.OPERATOR) and desk.door.challenged is not Challenged.NEVER:
        passed = course.proved or (yield from prove(desk, course, nothing))
        if isinstance(passed, Ending):
            return passed
    question = Question(options(desk.door, desk.main), ())
    then = yield from _follow(to, _CAME, question, desk, course)
    if isinstance(then, Ending):
        return then
    # He wants no call back after all, and at this time there is no menu that he could go back to.
    return (yield from offer_box(desk.door.box, course, _OUTSIDE))


# Asking -------------------------------------------------------------------------------------------


def _serve(question: Question, desk: Desk, course: Course) -> Script[Ending]:
    """Put one question after the other until the call has ended."""
    door = desk.door
    for _ in range(MOST_QUESTIONS):
        last = question.attempt >= door.tries
        if question.attempt > door.tries or (last and _is_to_prove(question, desk, course)):
            break
        course.doing = f"while being asked, try {question.attempt}"
        offered = question.options
        by_key = door.by_key or question.unsure >= _UNSURE
        expected = frozenset[str]() if by_key else offered.phrases
        heard = yield from ask(question.prompts, offered.keys, expected, course)
        then = yield from _take_in(heard, question, desk, course)
        if isinstance(then, Ending):
            return then
        question = then
    return (yield from _give_up(question, desk, course))


def _is_to_prove(question: Question, desk: Desk, course: Course) -> bool:
    """Whether the challenge takes the place of the last try."""
    return question.attempt > 1 and not course.proved and is_in_doubt(desk.door, course)


def _give_up(question: Question, desk: Desk, course: Course) -> Script[Ending]:
    """He has been asked often enough: prove him, ring for who is proved, or offer the box."""
    if not course.proved and is_in_doubt(desk.door, course):
        then = yield from _doubt(None, question, desk, course)
        return then if isinstance(then, Ending) else (yield from _serve(then, desk, course))
    if course.proved:
        lately = "" if course.passed else " lately"
        return (yield from _ring(desk, f"the caller answered the challenge{lately}", course))
    return (yield from offer_box(desk.door.box, course))


def _take_in(
    heard: Heard, question: Question, desk: Desk, course: Course
) -> Script[Ending | Question]:
    """What comes of an answer: the next question, or how the call has ended."""
    talking = keyed_while_talking(heard) and not course.proved
    if not talking and heard.keys.endswith((BACK, AGAIN)):
        moved = _moved(heard, question, desk)
        if moved is not None:
            return moved
    choice = question.options.chosen(heard)
    if choice is not None and talking:
        if desk.door.challenged is not Challenged.NEVER:
            yield from do(Note("a key came while the caller was talking on and on"))
            return (yield from _doubt(choice, question, desk, course))
        choice = None
    if choice is not None and not heard.sure:
        return (yield from _confirm(choice, heard, question, desk, course))
    if choice is not None:
        return (yield from _follow(choice, _how(heard), question, desk, course))
    ended = yield from end_if_settled(course)
    if ended is not None:
        return ended
    return _again(heard, question)


def _moved(heard: Heard, question: Question, desk: Desk) -> Question | None:
    """Where * and # lead; None where # only ends what he has keyed."""
    if heard.keys.endswith(BACK):
        return _ask_in(desk.main, desk)
    if heard.keys == AGAIN:
        return replace(question, prompts=(question.options.prompt,))
    return None


def _ask_in(menu: Menu | None, desk: Desk, *before: str) -> Question:
    """The first question in a menu, after the prompts `before`."""
    offered = options(desk.door, menu)
    return Question(offered, (*before, offered.prompt))


def _again(heard: Heard, question: Question) -> Question:
    """The next question. The second is short: who talks or is silent has just had the menu."""
    menu = question.options.prompt
    if heard.by is HeardBy.KEYS and question.options.chosen(heard) is None:
        prompts: tuple[str, ...] = ("no-such-extension", menu)
    elif question.unsure >= _UNSURE:
        prompts = ("press-keys", menu)
    elif question.attempt > 1 or heard.by is HeardBy.ANSWER:
        prompts = ("again", menu)
    else:
        prompts = ("press-now",) if heard.by is HeardBy.QUIET else ("again", "press-now")
    return replace(question, prompts=prompts, attempt=question.attempt + 1)


def _confirm(
    choice: Choice, heard: Heard, question: Question, desk: Desk, course: Course
) -> Script[Ending | Question]:
    """Ask whether that is what he said: a key, a yes, or the same said again and surely understood.

    Who presses the keys of a choice means it. What is none of these is asked anew, at last by keys.
    """
    course.doing = "while being asked whether he was understood"
    prompts = (question.options.prompt_for(choice), "confirm-hearing")
    by_word = frozenset({_SAID_YES, _SAID_NO, heard.words})
    answer = yield from ask(prompts, question.options.keys | {_YES}, by_word, course)
    pressed = "" if keyed_while_talking(answer) else answer.keys
    again = answer.sure and answer.words == heard.words
    if pressed == _YES or (not answer.keys and (again or answer.words == _SAID_YES)):
        how = f"{_how(heard)} and confirmed it"
        return (yield from _follow(choice, how, question, desk, course))
    other = question.options.keyed(pressed)
    if other is not None:
        return (yield from _follow(other, _how(answer), question, desk, course))
    ended = yield from end_if_settled(course)
    if ended is not None:
        return ended
    unsure = question.unsure + 1
    how_to = "again" if unsure < _UNSURE else "press-keys"
    return replace(question, prompts=(how_to, question.options.prompt), unsure=unsure)


def _doubt(
    choice: Choice | None, question: Question, desk: Desk, course: Course
) -> Script[Ending | Question]:
    """Put the challenge; who answers it reaches what he had chosen, or the group."""
    unsure = desk.door.challenged is Challenged.UNSURE
    # Where it is put in place of the last try, the keys of a choice are as good an answer.
    keyed = yield from prove(desk, course, question.options if unsure else Options(""))
    if isinstance(keyed, Ending):
        return keyed
    if keyed is not None:
        return (yield from _follow(keyed, f"keyed {keyed.keys}", question, desk, course))
    if choice is not None:
        return (yield from _follow(choice, "answered the challenge", question, desk, course))
    return (yield from _ring(desk, "the caller answered the challenge", course))


# What was chosen ----------------------------------------------------------------------------------


def _follow(
    choice: Choice, how: str, question: Question, desk: Desk, course: Course
) -> Script[Ending | Question]:
    """Do what was chosen: the next question, or how the call has ended."""
    if choice.step in (Step.EXTENSION, Step.OPERATOR) and how != _CAME:
        course.proved = True
    match choice.step:
        case Step.EXTENSION:
            extension = desk.directory.extensions[choice.aim]
            return (yield from _reach(extension, how, course))
        case Step.OPERATOR:
            return (yield from _operator(how, desk, course))
        case Step.MESSAGE:
            why = f"the caller {how}: a message for {choice.aim}"
            return (yield from take_message(desk.directory.boxes[choice.aim], why, course))
        case Step.MENU:
            yield from do(Note(f"menu {choice.aim}"))
            return _ask_in(desk.directory.menus[choice.aim], desk)
        case Step.SAY | Step.EMERGENCY:
            dial = emergency.told(desk.directory.outside.country)
            said = (choice.aim,) if choice.step is Step.SAY else dial
            return replace(question, prompts=(*said, question.options.prompt), attempt=1)
        case Step.CALL_BACK:
            return (yield from _call_back(choice.aim, how, desk, course))
        case Step.DIRECTORY:
            found = yield from look_up(desk, course)
            if isinstance(found, Extension):
                course.proved = True
                spelled = f"spelled {found.title}"
                return (yield from _reach(found, spelled, course, (found.prompt, "connecting")))
            return found or _ask_in(desk.main, desk)
    raise ValueError(f"no such step: {choice}")


def _call_back(aim: str, how: str, desk: Desk, course: Course) -> Script[Ending | Question]:
    """Ask for a number to be called at; who goes back has the main menu, as if he had not come."""
    before = course.box, course.why
    course.why = f"the caller {how}: to be called back by {aim}"
    box, country = desk.directory.boxes[aim], desk.directory.outside.country
    ended = yield from ask_for_call(box, course, desk.caller, country)
    if ended is None:
        course.box, course.why = before
        return _ask_in(desk.main, desk)
    return ended


def _reach(
    extension: Extension, how: str, course: Course, meanwhile: tuple[str, ...] = ("connecting",)
) -> Script[Ending]:
    course.why = f"the caller {how}: extension {extension.number}, {extension.title}"
    yield from do(Note(f"extension {extension.number}, {extension.title}"))
    return (yield from ring_or_take_message(extension.group, extension.box, course, meanwhile))


def _operator(how: str, desk: Desk, course: Course) -> Script[Ending]:
    if desk.door.operator is not None:
        return (yield from _reach(desk.door.operator, how, course))
    return (yield from _ring(desk, f"the caller {how}: the operator", course))


def _let_through(how: str, desk: Desk, course: Course) -> Script[Ending]:
    """Ring, or do what the owner wants done in place of that at this hour."""
    yield from do(Note(f"the caller {how}"))
    match desk.door.reply(desk.at).to:
        case Choice(step=Step.EXTENSION, aim=aim):
            return (yield from _reach(desk.directory.extensions[aim], how, course))
        case Choice(step=Step.OPERATOR):
            return (yield from _operator(how, desk, course))
        case Choice(step=Step.MESSAGE, aim=aim):
            why = f"the caller {how}: a message for {aim}"
            return (yield from take_message(desk.directory.boxes[aim], why, course))
    return (yield from _ring(desk, f"the caller {how}", course))


def _ring(desk: Desk, why: str, course: Course) -> Script[Ending]:
    course.why = why
    door = desk.door
    return (yield from ring_or_take_message(door.group, door.box, course, ("connecting",)))


def _how(heard: Heard) -> str:
    return f"keyed {heard.keys}" if heard.keys else f'said "{heard.words}"'
