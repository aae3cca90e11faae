import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0004_living"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportedText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file_name", models.CharField(max_length=160)),
                ("kind", models.CharField(max_length=10)),
                ("file_digest", models.CharField(max_length=64)),
                ("file_bytes", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("text_digest", models.CharField(max_length=64)),
                ("notes", models.JSONField()),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("put_away_by", models.CharField(blank=True, max_length=200)),
                ("put_away_at", models.DateTimeField(null=True)),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imported",
                        to="gateway.draft",
                    ),
                ),
            ],
            options={
                "db_table": "gateway_imported_text",
            },
        ),
        migrations.CreateModel(
            name="ImportedClause",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("under", models.TextField(blank=True)),
                ("text", models.TextField()),
                ("section", models.CharField(blank=True, max_length=40)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("mapped_by", models.CharField(blank=True, max_length=200)),
                ("mapped_at", models.DateTimeField(null=True)),
                ("copied_by", models.CharField(blank=True, max_length=200)),
                ("copied_at", models.DateTimeField(null=True)),
                (
                    "imported",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="clauses",
                        to="gateway.importedtext",
                    ),
                ),
            ],
            options={
                "db_table": "gateway_imported_clause",
            },
        ),
        migrations.AddConstraint(
            model_name="importedtext",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="imported_text_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedtext",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("put_away_at__isnull", True),
                    models.Q(("put_away_by", ""), _negated=True),
                    _connector="XOR",
                ),
                name="imported_text_put_away_says_by_whom",
            ),
        ),
        migrations.AddConstraint(
            model_name="importedtext",
            constraint=models.UniqueConstraint(
                condition=models.Q(("put_away_at__isnull", True)),
                fields=("draft", "file_digest"),
                name="imported_text_is_brought_in_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="importedclause",
            constraint=models.UniqueConstraint(
                fields=("imported", "number"), name="imported_clause_is_one_of_its_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedclause",
            constraint=models.CheckConstraint(
                condition=models.Q(("section", "left-out"), ("reason", ""), _connector="XOR"),
                name="imported_clause_left_out_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="importedclause",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("mapped_at__isnull", True), ("mapped_by", ""), ("section", "")),
                    models.Q(
                        models.Q(("section", ""), _negated=True),
                        models.Q(("mapped_by", ""), _negated=True),
                        ("mapped_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="imported_clause_mapped_says_by_whom",
            ),
        ),
        migrations.AddConstraint(
            model_name="importedclause",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("copied_at__isnull", True), ("copied_by", "")),
                    models.Q(
                        models.Q(("copied_by", ""), _negated=True),
                        ("copied_at__isnull", False),
                        models.Q(("section", ""), _negated=True),
                        models.Q(("section", "left-out"), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="imported_clause_copied_is_mapped",
            ),
        ),
    ]
