"""${message}

Every change is an addition that can be repeated: describe the tables as they are to be and call ``add_missing``.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from alembic import op

from oneapi_app.migration.additions import add_missing
from oneapi_app.migration.revisions import in_scope
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
