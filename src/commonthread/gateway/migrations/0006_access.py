import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0005_importing"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("member", models.CharField(max_length=200)),
                ("partner", models.CharField(max_length=200)),
                ("manager", models.CharField(max_length=200)),
                ("owner", models.CharField(max_length=200)),
                ("reference", models.CharField(max_length=200)),
                ("grant", models.CharField(max_length=200)),
                ("purpose", models.TextField()),
                ("reason", models.TextField()),
                ("until", models.DateField()),
                ("state", models.CharField(default="asked", max_length=20)),
                ("asked", models.DateTimeField()),
                ("changed", models.DateTimeField()),
                ("ends", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "gateway_access_request",
                "indexes": [
                    models.Index(fields=["member", "-asked"], name="access_by_member"),
                    models.Index(fields=["partner", "-asked"], name="access_by_partner"),
                    models.Index(fields=["owner", "-asked"], name="access_by_owner"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                (
                                    "asked",
                                    "manager-approved",
                                    "judged",
                                    "allowed",
                                    "granted",
                                    "reviewed",
                                    "refused",
                                    "withdrawn",
                                ),
                            )
                        ),
                        name="access_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("purpose", ""), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                        ),
                        name="access_says_what_for_and_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("member", models.F("manager")), _negated=True),
                        name="access_is_approved_by_somebody_else",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("partner", models.F("owner")), _negated=True),
                        name="access_is_to_another_partners_records",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ("allowed", "granted", "reviewed")), _negated=True
                            ),
                            ("ends__isnull", False),
                            _connector="OR",
                        ),
                        name="access_that_is_granted_ends",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ("asked", "manager-approved", "judged", "allowed"))
                        ),
                        fields=("member", "reference", "grant"),
                        name="access_is_asked_once_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccessStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("by", models.CharField(max_length=200)),
                ("partner", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("said", models.JSONField()),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="gateway.accessrequest",
                    ),
                ),
            ],
            options={
                "db_table": "gateway_access_step",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                (
                                    "approval",
                                    "training",
                                    "judgement",
                                    "granting",
                                    "refusal",
                                    "withdrawal",
                                    "review",
                                ),
                            )
                        ),
                        name="access_step_is_known",
                    )
                ],
            },
        ),
    ]
