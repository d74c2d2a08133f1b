-- Tenants are isolated by the database: a statement sees and changes what its scope admits, whatever its WHERE clause says.
-- The controller says the scope at the beginning of each transaction (src/platform/database/database-scope.ts):
--   tenant        the rows of the tenant in weft.tenant
--   accounts      who somebody is, before it is known where they may go: tenants, users, and what refers to users
--   installation  everything: distribution, enrollment, metrics, start, migrations, backup
-- Without a scope there is nothing.
create function scope_tenant() returns uuid language sql stable as $$
  select nullif(current_setting('weft.tenant', true), '')::uuid
$$;

create function scope_is(kind text) returns boolean language sql stable as $$
  select coalesce(current_setting('weft.scope', true) = kind, false)
$$;

-- The tables that a table refers to, each with the condition that a row of ours refers to the row there.
create function references_of(child regclass) returns table (parent regclass, condition text) language sql stable as $$
  select k.confrelid::regclass, (
    select string_agg(format('parent.%I = %s.%I', there.attname, child, here.attname), ' and ')
    from unnest(k.conkey, k.confkey) as columns (here, there)
    join pg_attribute here on here.attrelid = k.conrelid and here.attnum = columns.here
    join pg_attribute there on there.attrelid = k.confrelid and there.attnum = columns.there)
  from pg_constraint k where k.contype = 'f' and k.conrelid = child and k.confrelid <> child
$$;

-- What makes a row the tenant's own; null: the table belongs to no tenant. Without a column of its own that says so a row belongs
-- to whom the rows belong that it refers to: their policies hold in a policy, too.
create function tenant_condition(relation regclass) returns text language sql stable as $$
  select case
    when relation = to_regclass('tenants') then 'id = (select scope_tenant())'
    when exists (select from pg_attribute where attrelid = relation and attname = 'tenant_id' and not attisdropped)
      then 'tenant_id = (select scope_tenant())'
    else (
      select string_agg(format('exists (select from %s parent where %s)', parent, condition), ' and ')
      from references_of(relation) where exists (select from pg_policy where polrelid = parent and polname = 'tenant'))
  end
$$;

-- Gives every table that has none its policies. The controller calls it after each migration, so that a table that is made
-- later is closed too, whether its migration says so or not; what a migration does say is left as it is.
create function isolate_tenants() returns void language plpgsql as $$
declare
  relation regclass;
  condition text;
  grew boolean := true;
begin
  while grew loop
    grew := false;
    for relation in
      select oid from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname <> 'schema_migrations'
        and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
      order by relname
    loop
      if not (select relrowsecurity and relforcerowsecurity from pg_class where oid = relation) then
        execute format('alter table %s enable row level security, force row level security', relation);
      end if;
      if not exists (select from pg_policy where polrelid = relation and polname = 'installation') then
        execute format('create policy installation on %s using ((select scope_is(''installation'')))', relation);
      end if;
      if (relation in (to_regclass('tenants'), to_regclass('users'))
          or exists (select from references_of(relation) where parent = to_regclass('users')))
        and not exists (select from pg_policy where polrelid = relation and polname = 'accounts')
      then
        execute format('create policy accounts on %s using ((select scope_is(''accounts'')))', relation);
      end if;
      condition := tenant_condition(relation);
      if condition is not null and not exists (select from pg_policy where polrelid = relation and polname = 'tenant') then
        execute format('create policy tenant on %s using (%s)', relation, condition);
        -- What refers to this table may come before it.
        grew := true;
      end if;
    end loop;
  end loop;
end
$$;

select isolate_tenants();
