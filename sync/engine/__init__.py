"""The engine: the only place that joins the pure decisions, the adapters and the rows (design §1 and §4).

look · preview · approve · push · reconcile           the flow
decide · lift · cancel · retry · undo_run             a person's word
link_* · exclude_* · create_line_items · suggest_*    the links
"""

from sync.engine.adapters import course_of, make_lms, make_reader, make_sis
from sync.engine.background import (
    ask_classes,
    ask_look,
    ask_run,
    ask_undo,
    classes_of,
    read_look,
    read_run,
    stop_look,
)
from sync.engine.bringing import bring_report
from sync.engine.changing import change_line_item, preview_change
from sync.engine.class_requests import ask_for_class, decline_request, grant_request, take_back_request
from sync.engine.creating import NewItemWish, create_line_items, settle_creating, unique_title
from sync.engine.details import compared
from sync.engine.errors import Changed, CourseBusy, EngineError, LinkRefused, NothingLinked, Who
from sync.engine.items import (
    SCALES,
    exclude_line_item,
    link_exact_titles,
    link_line_item,
    parse_decimal,
    set_scale,
    unlink_line_item,
)
from sync.engine.links import (
    ClassSuggestion,
    connections_for,
    exclude_student,
    forget_student,
    link_class,
    link_student,
    profile_changed,
    suggest_classes,
    unlink_class,
    words_here,
)
from sync.engine.picks import UNANSWERED
from sync.engine.preview import (
    approve,
    cancel,
    decide,
    free,
    lift,
    look,
    parse_key,
    preview,
    retry,
    undo_run,
)
from sync.engine.push import push, push_here
from sync.engine.reconciling import reconcile

__all__ = [
    "SCALES",
    "UNANSWERED",
    "Changed",
    "ClassSuggestion",
    "CourseBusy",
    "EngineError",
    "LinkRefused",
    "NewItemWish",
    "NothingLinked",
    "Who",
    "approve",
    "ask_classes",
    "ask_for_class",
    "ask_look",
    "ask_run",
    "ask_undo",
    "bring_report",
    "cancel",
    "change_line_item",
    "classes_of",
    "compared",
    "connections_for",
    "course_of",
    "create_line_items",
    "decide",
    "decline_request",
    "exclude_line_item",
    "exclude_student",
    "forget_student",
    "free",
    "grant_request",
    "lift",
    "link_class",
    "link_exact_titles",
    "link_line_item",
    "link_student",
    "look",
    "make_lms",
    "make_reader",
    "make_sis",
    "parse_decimal",
    "parse_key",
    "preview",
    "preview_change",
    "profile_changed",
    "push",
    "push_here",
    "read_look",
    "read_run",
    "reconcile",
    "retry",
    "set_scale",
    "settle_creating",
    "stop_look",
    "suggest_classes",
    "take_back_request",
    "undo_run",
    "unique_title",
    "unlink_class",
    "unlink_line_item",
    "words_here",
]
