"""A person's faces: to be looked at, kept and rejected, one by one, by marks and by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from projects.errors import CommandError, SwapdeckError
from projects.face_decisions import BY_HAND, Decided, decide, take_back
from projects.face_rules import select
from projects.options import Option, Value
from tui.actions import FACES, LISTS, bindings
from tui.face_window import FacePane
from tui.face_words import line, state, why
from tui.forms import Form
from tui.gallery import Gallery
from tui.gallery_reading import GROUPS, SORTS, WHICH, FaceReader, Order, View
from tui.mode import BaseScreen
from tui.snapshot import Detail, Snapshot
from tui.text import clean, count, plural

SORT = (
    Option("sort", "Sort by", "choice", "time", choices=SORTS,
           help="The sharpest, largest or most alike come first; angles rise."),
    Option("reverse", "The other way", "bool", default=False, help="The last ones first."),
    Option("group", "Group by", "choice", "none", choices=GROUPS,
           help="Faces that share this stand together under a heading."),
    Option("which", "Which", "choice", "all", choices=tuple(WHICH),
           help="All faces, those in the dataset, or those left out of it."),
)  # fmt: skip
RULE = (
    Option("rule", "Rule", "text",
           help="As yaw>20, |yaw|<=10 and sharpness<2, reason=blurred, source='a b.mp4', "
           "likeness=unknown. Empty shows all."),
    Option("act", "Do", "choice", "show", choices=("show", "keep", "reject"),
           help="Show only these faces, or decide about all of them; z takes it back."),
    Option("reason", "Because", "text", help="Why they are rejected, in your own words."),
)  # fmt: skip


class FacesScreen(BaseScreen):
    """The gallery of one person's faces."""

    MODE = "people"
    GROUPS = (FACES, LISTS)
    BINDINGS = bindings(
        "open", "back", "reject", "keep", "rule", "sort", "landmarks", "undo-faces",
    )  # fmt: skip
    DEFAULT_CSS = """
    FacesScreen #view { height: 1; padding: 0 1; }
    FacesScreen #about { height: 2; padding: 0 1; }
    FacesScreen #body { height: 1fr; }
    FacesScreen Gallery { width: 1fr; height: 1fr; }
    FacesScreen FacePane { display: none; }
    FacesScreen #nothing { display: none; padding: 1 3; height: 1fr; }
    FacesScreen.-nothing #nothing { display: block; }
    FacesScreen.-nothing #body, FacesScreen.-nothing #about { display: none; }

    FacesScreen.-wide FacePane, FacesScreen.-widest FacePane {
        display: block; width: 44; border-left: vkey $rule; padding: 0 1;
    }
    FacesScreen.-wide #about, FacesScreen.-widest #about { display: none; }
    FacesScreen.-face Gallery { width: 0; }
    FacesScreen.-face FacePane { display: block; width: 1fr; border-left: none; }
    FacesScreen.-face #about { display: none; }
    """

    class Loaded(Message):
        """From the thread that reads: an order of faces, or why there is none."""

        def __init__(self, order: Order | None, problem: str) -> None:
            super().__init__()
            self.order = order
            self.problem = problem

    def __init__(self, reader: FaceReader, name: str) -> None:
        super().__init__()
        self.reader = reader
        self.person_name = name
        self.view = View()
        self.landmarks = False

    def compose_body(self) -> ComposeResult:
        yield Static(id="view", markup=False)
        yield Static(id="nothing", markup=False)
        with Horizontal(id="body"):
            yield Gallery(self.reader)
            yield FacePane(self.reader)
        yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        self.gallery.focus()
        self.load(self.view)

    @property
    def gallery(self) -> Gallery:
        """The pictures."""
        return self.query_one(Gallery)

    @property
    def key(self) -> str:
        return self.reader.slug

    # Readings.

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        super().update(snapshot, key, detail)
        names = {row.slug: row.name for row in snapshot.people}
        self.person_name = names.get(self.reader.slug, self.person_name)
        if self.reader.slug not in names or self.reader.stamp() != self.gallery.order.stamp:
            self.load(self.view)

    @work(thread=True, exclusive=True, group="order")
    def load(self, view: View) -> None:
        """Read the order of a view."""
        try:
            self.post_message(self.Loaded(self.reader.order(view), ""))
        except SwapdeckError as error:
            self.post_message(self.Loaded(None, clean(error)))
        except OSError as error:
            self.post_message(self.Loaded(None, f"It cannot be read: {error.strerror}."))

    @on(Loaded)
    def _loaded(self, message: Loaded) -> None:
        message.stop()
        if message.order is not None:
            self.view = message.order.view
            self.gallery.show(message.order)
        else:
            self.gallery.show(Order(self.view, -1, (), (), 0, 0))
        self._say_nothing(message.problem)
        self._describe()
        self.refresh_bindings()

    def _say_nothing(self, problem: str) -> None:
        """What stands in place of the pictures when there are none."""
        order = self.gallery.order
        words = Content(problem)
        if problem:
            words = Content.assemble(
                ("The faces cannot be shown.\n\n", "bold $error"), problem, ("\n\nEsc goes back.",
                "$quiet"),
            )  # fmt: skip
        elif not order.total:
            words = Content.assemble(
                ("No faces yet.\n\n", "bold"),
                f"Esc, then {self.dashboard.keys_of('extract')} finds the faces in this person's "
                f"sources, and {self.dashboard.keys_of('gather')} brings in more.",
            )
        elif not order.ids:
            words = Content.assemble(
                ("No face is like that.\n\n", "bold"),
                f"{plural(order.total, 'face')} are there: {self.dashboard.keys_of('rule')} "
                f"changes the rule, {self.dashboard.keys_of('sort')} which are shown.",
            )
        self.query_one("#nothing", Static).update(words)
        self.set_class(not order.ids, "-nothing")
        if not order.ids:
            self.remove_class("-face")

    @on(Gallery.Unreadable)
    def _unreadable(self, message: Gallery.Unreadable) -> None:
        message.stop()
        self._loaded(self.Loaded(None, message.problem))

    # What is said around the pictures.

    def _describe(self) -> None:
        order, view = self.gallery.order, self.view
        parts: list[Content | str] = [
            Content.styled(self.person_name, "bold $primary"),
            f"{count(order.kept)} of {count(order.total)} kept",
            f"by {view.sort}{', turned round' if view.reverse else ''}",
        ]
        parts += [f"grouped by {view.group}"] if view.group != "none" else []
        parts += [f"only {view.which}"] if view.which != "all" else []
        parts += [Content.styled(f"rule: {clean(view.rule)}", "$warning")] if view.rule else []
        if len(order.ids) != order.total:
            parts.append(f"{count(len(order.ids))} shown")
        marked = len(self.gallery.marked)
        parts += [Content.styled(f"● {count(marked)} marked", "$warning")] if marked else []
        words = [part if isinstance(part, Content) else Content(part) for part in parts]
        self.query_one("#view", Static).update(Content(" · ").join(words), layout=False)

    @on(Gallery.Moved)
    def _moved(self, message: Gallery.Moved) -> None:
        message.stop()
        self._show_face()

    def _show_face(self) -> None:
        row, sources = self.gallery.row, self.gallery.order.sources
        pane = self.query_one(FacePane)
        if pane.display:
            pane.show(row, sources, self.landmarks)
        if row is None:
            self.query_one("#about", Static).update("", layout=False)
            return
        place = f"{count(self.gallery.cursor + 1)} of {count(len(self.gallery.order.ids))}  "
        words = Content.assemble((place, "$quiet"), state(row))
        if not row.kept:
            words = Content.assemble((place, "$quiet"), (f"✗ {why(row)}", "$error"))
        about = Content("\n").join([words, line(row, sources)])
        self.query_one("#about", Static).update(about, layout=False)

    @on(Gallery.Marked)
    def _marked(self, message: Gallery.Marked) -> None:
        message.stop()
        self._describe()

    def on_resize(self) -> None:
        wide = self.size.width >= 120
        self.query_one(FacePane).set_class(wide and not self.has_class("-face"), "-under")
        self.call_after_refresh(self._show_face)

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not super().check_action(action, parameters):
            return False
        if not self.is_mounted:
            return True
        if action in ("open", "decide", "landmarks"):
            if action == "landmarks" and not self.query_one(FacePane).display:
                return False
            return bool(self.gallery.order.ids) and not (
                action == "open" and self.has_class("-face")
            )
        return True

    def action_open(self) -> None:
        """One face with all that is known of it."""
        self.add_class("-face")
        self._refit()

    def action_back(self) -> None:
        """Back to all faces, then no marks, then back to the people."""
        if self.has_class("-face"):
            self.remove_class("-face")
            self._refit()
        elif self.gallery.marked:
            self.gallery.action_mark_all()
        else:
            self.dismiss()

    def _refit(self) -> None:
        self.on_resize()
        self.refresh_bindings()

    @on(Gallery.Opened)
    def _opened(self, message: Gallery.Opened) -> None:
        message.stop()
        self.action_open()

    def action_landmarks(self) -> None:
        """Draw the landmarks on the face, or no longer."""
        self.landmarks = not self.landmarks
        self._show_face()

    def action_decide(self, kept: bool) -> None:
        """Keep or reject the marked faces, or the one under the cursor."""
        gallery = self.gallery
        ids, many = gallery.chosen, bool(gallery.marked)
        if not ids:
            return
        gallery.assume(ids, kept=kept, reason=BY_HAND)
        gallery.marked = set()
        if not many:
            gallery.action_aside(1)
        self._describe()
        crops = {one: gallery.rows[one].crop for one in ids if one in gallery.rows}
        self._decide([str(one) for one in ids], kept, None, crops)

    def _decide(
        self, words: list[str], kept: bool, reason: str | None, crops: Mapping[int, str]
    ) -> None:
        """Decide about the faces that `words` name; `crops` are what was seen of some of them."""
        dashboard, reader = self.dashboard, self.reader

        def done(decided: Decided) -> None:
            act = "kept" if kept else "rejected"
            if decided.decision is not None:
                dashboard.push_undo(
                    f"what was {act}", partial(_taken_back, reader, decided.decision)
                )
            if decided.met > 1 or not decided.changed:
                already = decided.met - decided.changed
                more = f", {count(already)} of them were so before" if already else ""
                dashboard.say(f"{plural(decided.met, 'face')} {act}{more}.")
            reload()

        def reload() -> None:
            if self.is_attached:
                self.load(self.view)

        def work() -> Decided:
            now = reader.rows(crops)
            if any(one in now and now[one].crop != crop for one, crop in crops.items()):
                raise CommandError(
                    "These faces were searched anew meanwhile, and others have their numbers now. "
                    "Look at them again; nothing was decided."
                )
            return decide(reader.person(), words, kept=kept, reason=reason)

        dashboard.do(work, done, otherwise=reload)

    def action_undo_faces(self) -> None:
        """Take back what was done last here; else the last decision about these faces."""
        if self.dashboard.undoables:
            self.dashboard.action_undo()
        else:
            self.dashboard.do(partial(_taken_back, self.reader, None), self.dashboard.say)

    def action_sort(self) -> None:
        """Ask how the faces are sorted and grouped."""
        view = self.view

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                self.load(
                    replace(
                        self.view,
                        sort=str(values["sort"]),
                        reverse=bool(values["reverse"]),
                        group=str(values["group"]),
                        which=str(values["which"]),
                    )
                )

        now: dict[str, Value] = {
            "sort": view.sort, "reverse": view.reverse, "group": view.group, "which": view.which,
        }  # fmt: skip
        self.app.push_screen(Form("Sort and group", SORT, now), answered)

    def action_rule(self) -> None:
        """Ask for a rule, and what becomes of the faces that meet it."""

        def answered(values: dict[str, Value] | None) -> None:
            if values is None:
                return
            rule = str(values["rule"] or "")
            if values["act"] == "show":
                self.load(replace(self.view, rule=rule))
            else:
                reason = str(values["reason"] or "") or None
                self._decide([rule], values["act"] == "keep", reason, {})

        note = "" if not self.view.rule else f"Shown now: {clean(self.view.rule)}"
        options = RULE if not self.dashboard.readonly else RULE[:1]
        self.app.push_screen(
            Form("Faces by rule", options, {"rule": self.view.rule}, check=_check_rule, note=note),
            lambda values: answered(values and {"act": "show", "reason": None, **values}),
        )


def _taken_back(reader: FaceReader, decision: int | None) -> str:
    undone = take_back(reader.person(), decision)
    return f"Taken back: {clean(undone.what)[:60]} ({plural(undone.faces, 'face')})."


def _check_rule(values: Mapping[str, Value]) -> None:
    rule = str(values["rule"] or "")
    if rule or values.get("act", "show") != "show":
        select([rule])
