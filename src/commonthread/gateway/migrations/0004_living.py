from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0003_assurance"),
    ]

    operations = [
        migrations.CreateModel(
            name="Asking",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asker", models.CharField(max_length=200)),
                ("asked", models.CharField(max_length=200)),
                ("what", models.TextField()),
                ("why", models.TextField()),
                ("asked_on", models.DateField()),
                ("due", models.DateField()),
                ("recorded_by", models.CharField(max_length=200)),
                ("recorded", models.DateTimeField()),
                ("answer", models.CharField(blank=True, max_length=20)),
                ("reason", models.TextField(blank=True)),
                ("agreement", models.CharField(blank=True, max_length=200)),
                ("answered_on", models.DateField(null=True)),
                ("answered_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "gateway_asking",
                "indexes": [
                    models.Index(fields=["asker", "-asked_on"], name="asking_by_asker"),
                    models.Index(fields=["asked", "-asked_on"], name="asking_by_asked"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("asker", models.F("asked")), _negated=True),
                        name="asking_is_of_another_partner",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("due__gte", models.F("asked_on"))),
                        name="asking_is_due_after_it",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answer", ""),
                                ("answered_by", ""),
                                ("answered_on__isnull", True),
                                ("reason", ""),
                            ),
                            models.Q(
                                ("answer__in", ("granted", "refused", "taken-back")),
                                ("answered_on__isnull", False),
                                models.Q(("reason", ""), _negated=True),
                                models.Q(("answered_by", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="asking_is_answered_with_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attestation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=200)),
                ("clause", models.CharField(max_length=400)),
                ("partner", models.CharField(max_length=200)),
                ("due", models.DateField()),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("note", models.TextField()),
            ],
            options={
                "db_table": "gateway_attestation",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("reference", "clause", "partner", "due"),
                        name="attestation_is_made_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("note", ""), _negated=True),
                        name="attestation_says_its_evidence",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Decline",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64)),
                ("partner", models.CharField(max_length=200)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("reason", models.TextField()),
                ("taken_back", models.DateTimeField(null=True)),
                ("taken_back_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "gateway_decline",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("taken_back__isnull", True)),
                        fields=("digest", "partner"),
                        name="decline_is_one_of_each_party",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="decline_has_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("taken_back__isnull", True),
                            models.Q(("taken_back_by", ""), _negated=True),
                            _connector="XOR",
                        ),
                        name="decline_taken_back_says_by_whom",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64)),
                ("partner", models.CharField(max_length=200)),
                ("by", models.CharField(max_length=200)),
                ("to", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("until", models.DateField()),
                ("note", models.TextField(blank=True)),
                ("taken_back", models.DateTimeField(null=True)),
                ("taken_back_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "gateway_delegation",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("taken_back__isnull", True)),
                        fields=("digest", "partner"),
                        name="delegation_is_one_of_each_party",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("by", models.F("to")), _negated=True),
                        name="delegation_is_to_somebody_else",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("taken_back__isnull", True),
                            models.Q(("taken_back_by", ""), _negated=True),
                            _connector="XOR",
                        ),
                        name="delegation_taken_back_says_by_whom",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("member", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=80)),
                ("query", models.CharField(blank=True, max_length=2000)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "gateway_saved_view",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("member", "name"), name="saved_view_has_its_own_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True),
                        name="saved_view_has_a_name",
                    ),
                ],
            },
        ),
    ]
