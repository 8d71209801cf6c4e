"""The teacher's pages, all under one course: `courses/<public_id>/...`."""

from __future__ import annotations

from django.urls import include, path

from sync.views import (
    class_requests,
    classes,
    courses,
    downloads,
    finding,
    history,
    line_items,
    reading,
    receipt,
    review,
    runs,
    scale,
    setup,
    students,
    suggesting,
)

app_name = "sync"

pages = [
    path("", courses.course, name="course"),
    path("look/", courses.look, name="look"),
    path("reading/", reading.look, name="reading"),
    path("reading/part/", reading.look_part, name="reading_part"),
    path("reading/notice/", reading.look_notice, name="reading_notice"),
    path("reading/stop/", reading.stop, name="stop_reading"),
    path("setup/", setup.setup, name="setup"),
    path("setup/pass/", setup.pass_step, name="pass_step"),
    path("class/", classes.classes, name="classes"),
    path("class/suggestions/", suggesting.suggestions, name="class_suggestions"),
    path("class/link/", classes.link, name="link_class"),
    path("class/<int:link_id>/unlink/", classes.unlink, name="unlink_class"),
    path("class/ask/", class_requests.ask, name="ask_for_class"),
    path("class/requests/<int:request_id>/take-back/", class_requests.take_back, name="take_back_request"),
    path("students/", students.students, name="students"),
    path("students/find/", students.find, name="find_student"),
    path("students/consider/", students.consider, name="consider_student"),
    path("students/settle/", students.settle, name="settle_student"),
    path("students/link/", students.link, name="link_student"),
    path("students/exclude/", students.exclude, name="exclude_student"),
    path("students/forget/", students.forget, name="forget_student"),
    path("assignments/", line_items.line_items, name="line_items"),
    path("assignments/one/", line_items.line_item, name="line_item"),
    path("assignments/<int:link_id>/change/", line_items.change, name="change_line_item"),
    path("assignments/link/", line_items.link, name="link_line_item"),
    path("assignments/link-equal-titles/", line_items.link_exact, name="link_exact"),
    path("assignments/exclude/", line_items.exclude, name="exclude_line_item"),
    path("assignments/create/", line_items.create, name="create_line_items"),
    path("assignments/<int:link_id>/unlink/", line_items.unlink, name="unlink_line_item"),
    path("assignments/<int:link_id>/scale/", line_items.scale, name="set_scale"),
    path("schemes/", scale.schemes, name="schemes"),
    path("preview/", review.preview, name="preview"),
    path("runs/<int:run_id>/review/", review.review, name="review"),
    path("runs/<int:run_id>/pick/", review.pick, name="pick"),
    path("runs/<int:run_id>/find/", finding.find, name="find"),
    path("runs/<int:run_id>/decide/", review.decide, name="decide"),
    path("runs/<int:run_id>/send/", review.send, name="send"),
    path("runs/<int:run_id>/", runs.run, name="run"),
    path("runs/<int:run_id>/progress/", runs.progress, name="progress"),
    path("runs/<int:run_id>/reading/", reading.run_part, name="run_reading"),
    path("runs/<int:run_id>/cancel/", runs.cancel, name="cancel"),
    path("runs/<int:run_id>/retry/", runs.retry, name="retry"),
    path("runs/<int:run_id>/reconciliation.csv", downloads.reconciliation_csv, name="reconciliation_csv"),
    path("runs/<int:run_id>/receipt/", receipt.receipt, name="receipt"),
    path("runs/<int:run_id>/receipt.csv", downloads.receipt_csv, name="receipt_csv"),
    path("runs/<int:run_id>/report.json", downloads.report_json, name="report_json"),
    path("reconcile/", runs.reconcile, name="reconcile"),
    path("history/", history.history, name="history"),
    path("history/<int:change_id>/", history.grade, name="grade"),
]

urlpatterns = [path("<uuid:public_id>/", include(pages))]
