from alembic.migration import MigrationContext
from alembic.autogenerate import compare_metadata
from fingertip_server.db.base import Base
async def test_x(server):
    def f(c):
        ctx = MigrationContext.configure(c)
        for d in compare_metadata(ctx, Base.metadata): print("DIFF", d)
    await server.units.autocommit(f)
