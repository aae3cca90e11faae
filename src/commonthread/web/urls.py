"""The addresses of the pages. None holds anything personal: a query is known by a random word."""

from django.urls import path, register_converter

from commonthread.web import acts, agreements, county, datasets, ledger, queries, sign_in


class Reference:
    """The reference of a charter or an agreement, such as ISA-2026-014."""

    regex = r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Reference, "reference")

urlpatterns = [
    path("", sign_in.start, name="start"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("agreements/", agreements.all_agreements, name="agreements"),
    path("agreements/<reference:reference>/", agreements.one, name="agreement"),
    path("agreements/<reference:reference>/draft/", agreements.draft, name="draft"),
    path("agreements/<reference:reference>/<slug:act>/", acts.act, name="act"),
    path("datasets/", datasets.all_datasets, name="datasets"),
    path("datasets/<str:owner>/<str:dataset>/", datasets.one, name="dataset"),
    path("county/", county.explained, name="county"),
    path("county/<slug:name>.svg", county.picture, name="county-picture"),
    path("query/", queries.ask, name="query"),
    path("query/lookup/", queries.look_up, name="look-up"),
    path("query/<str:key>/", queries.answer, name="answer"),
    path("query/<str:key>/state/", queries.state, name="answer-state"),
    path("query/<str:key>/stop/", queries.stop, name="answer-stop"),
    path("query/<str:key>/withdraw/", queries.withdraw, name="answer-withdraw"),
    path("query/<str:key>/answer.csv", queries.download, name="answer-csv"),
    path("ledger/", ledger.newest, name="ledger"),
    path("ledger/verify/", ledger.verify, name="ledger-verify"),
    path("ledger/export/", ledger.export, name="ledger-export"),
    path("ledger/checkpoint/", ledger.checkpoint, name="ledger-checkpoint"),
]
