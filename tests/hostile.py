"""Questions that a hostile analyst could write, at random, from a seed."""

from __future__ import annotations

import random

CANARY = "CANARY"


class Grammar:
    """Writes questions that lean on every seam that the corpus knows, at random, from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def table(self) -> str:
        if self.random.random() < 0.55:
            return self.one("person", "Person", '"person"', "person p", "person AS q")
        return self.one(
            *("hidden_src", '"hidden_src"', "main.person", "memory.main.hidden_src", "'x.csv'"),
            *("read_text('x')", "range(9)", "duckdb_settings()", "query_table('hidden_src')"),
            *("information_schema.tables", '"per""son"', "person AT (VERSION => 1)", "pyvar"),
            *("(select * from hidden_src)", "(select * from person) p", "(values (1)) v(a)"),
            *("person TABLESAMPLE 3", "(from person)", "person p(a, b)", "sqlite_master"),
        )

    def column(self) -> str:
        if self.random.random() < 0.65:
            name = self.one("surname", "k", "dob", "sex", "district", "person_id")
            return self.one("", "", "person.", "p.") + self.one(name, f'"{name}"', name.upper())
        return self.one(
            *("_resident", '"_resident"', "p._resident", "_by", "person._by", "nhs_no", "rowid"),
            *("person", "p", "q", "*", "p.*", "columns('.*')", "* exclude (k)", "person.person.k"),
            *("p['k']", "p.k.k", "#1", "$1", "?", ":a", "filename", "hidden_src.nhs_no", "@x"),
            *('"_RESIDENT"', "unnest(p)", "struct_extract(p, '_by')", "person::text", "(p).k"),
        )

    def function(self) -> str:
        if self.random.random() < 0.6:
            return self.one(
                *("count", "sum", "max", "min", "lower", "length", "any_value", "abs", "coalesce"),
                *("concat", "median", "first", "mode"),
            )
        return self.one(
            *("getenv", "version", "current_setting", "repeat", "list", "hash", "error", "row"),
            *("read_text", "query", "typeof", "to_json", "struct_pack", "list_transform", "stats"),
            *("nextval", "current_query", "pg_typeof", '"getenv"', "system.getenv", "histogram"),
        )

    def value(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.3:
            return self.one(
                *(self.column(), self.column(), "1", "1.5", "'x'", "null", "true", "'it''s \\'"),
                *("e'\\''", "$$x$$", "U&'\\0027'", "x'41'", "date '2020-01-01'", "1e9"),
            )
        sign = self.one("+", "-", "*", "/", "//", "%", "||", "=", "<", "~", "->", "::", "&")
        kind = self.one("int", "text", "blob", "json", "int[]", "date")
        shape = self.one(
            *("F(V)", "F(V, V)", f"V {sign} V", "case when V then V end", f"cast(V as {kind})"),
            *("(Q)", "V in (Q)", "exists (Q)", "sum(V) over (partition by V order by V)"),
            *("count(*) filter (where V)", "(V)", "V is null", "{'a': V}", "[V, V]"),
        )
        written = {"F": self.function, "V": lambda: self.value(depth - 1)}
        written["Q"] = lambda: self.query(depth - 1)
        parts = (written[letter]() if letter in written else letter for letter in shape)
        return "".join(parts)

    def query(self, depth: int) -> str:
        deep = min(depth, 1)
        text = f"select {self.value(depth)}{self.one('', '', ' as a', ' as _resident', ' as p')}"
        text += f"{self.one('', ' ', '/**/', chr(10))} from {self.table()}"
        if self.random.random() < 0.3:
            word = self.one("join", "left join", "cross join", "natural join", "semi join", ",")
            on = self.one("", f" on {self.value(deep)}", " using (k)", " on p.k = q.k", " on true")
            text += f" {word} {self.table()}{on}"
        for word in ("where", "group by", "having", "qualify", "order by"):
            if self.random.random() < 0.15:
                text += f" {word} {self.one(self.value(deep), self.column(), '1', 'all')}"
        return text + self.one("", "", "", " limit 3", " limit (select 1)", " limit 3 percent")

    def statement(self) -> str:
        text = self.query(self.random.randint(0, 3))
        return self.one(
            *(text, text, text, text, f"({text})", f"{text} union all {self.query(1)}"),
            *(
                f"with a as ({text}) select * from a",
                f"with person as ({text}) select k from person",
            ),
            *(f"{text}; {self.query(0)}", f"{text} -- {CANARY}", f"copy ({text}) to 'x'"),
            *(f"explain {text}", f"from ({text})", f"{text} union by name {self.query(0)}"),
            *(f"pivot ({text}) on k", f"/*+ x */ {text}", text.replace(" ", "\u00a0", 1)),
        )
