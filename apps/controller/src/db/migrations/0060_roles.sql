-- What a user may do: in the tenant that the user belongs to, and, for the provider's own people, in every tenant. Whoever was
-- there before could do everything in the own tenant, and an administrator in all of them: it stays so.
alter table users
  add column role text not null default 'admin',
  add column provider_role text,
  add constraint users_role check (role in ('viewer', 'operator', 'approver', 'admin')),
  add constraint users_provider_role check (provider_role in ('viewer', 'operator', 'approver', 'admin'));

update users set provider_role = 'admin' where administrator;

alter table users alter column role drop default;

-- Read by a controller of the version before that still runs beside this one.
alter table users drop column administrator;
alter table users
  add column administrator boolean not null generated always as (provider_role is not distinct from 'admin') stored;

-- Somebody can always make tenants and let people in. One at a time, or two admins could remove each other. Whoever removes one may
-- see a single tenant: the others are looked for as accounts.
create function keep_provider_admin() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  remains boolean;
begin
  perform pg_advisory_xact_lock(hashtext('weft provider admin'), 0);
  perform set_config('weft.scope', 'accounts', true);
  select exists (select from users where provider_role = 'admin') into remains;
  perform set_config('weft.scope', own_scope, true);
  if not remains then
    raise exception 'the installation would have no admin'
      using errcode = 'restrict_violation', constraint = 'users_provider_admin_remains';
  end if;
  return null;
end
$$;

create trigger users_provider_admin_remains after update of provider_role or delete on users
  for each row when (old.provider_role = 'admin') execute function keep_provider_admin();
