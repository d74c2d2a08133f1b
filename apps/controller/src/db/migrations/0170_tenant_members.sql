-- One person, one login, and a role in each of several tenants. users.tenant_id is from now on the tenant that keeps the account: one of
-- those that its user is a member of. users.role is the role there, as a controller of the version before reads and writes it; triggers
-- keep the two the same whichever is written.
alter table users add constraint users_id_name_key unique (id, name);

create table tenant_members (
  tenant_id uuid not null references tenants (id),
  user_id uuid not null,
  -- The user's name, which does not change: the account may be kept by another tenant, whose rows are not seen in this one.
  user_name text not null,
  role text not null,
  joined_at timestamptz not null default now(),
  constraint tenant_members_pkey primary key (tenant_id, user_id),
  constraint tenant_members_user foreign key (user_id, user_name) references users (id, name) on delete cascade,
  constraint tenant_members_role check (role in ('viewer', 'operator', 'approver', 'admin'))
);

create index tenant_members_user_id on tenant_members (user_id);

insert into tenant_members (tenant_id, user_id, user_name, role, joined_at)
  select tenant_id, id, name, role, created_at from users;

-- The tenant in force: undecided for whoever has several memberships and has entered none of them yet.
alter table http_sessions add column tenant_id uuid references tenants (id);
create index http_sessions_tenant_id on http_sessions (tenant_id);

update http_sessions s set tenant_id = u.tenant_id from users u where u.id = s.user_id;

-- A fourth scope (src/platform/database/database-scope.ts):
--   person        own memberships and sessions of the user in weft.user; and the rows of the tenant in weft.tenant that the person is
--                 about to enter, if there is one. Not the own account: second factors follow from users by their policies
create function scope_user() returns uuid language sql stable as $$
  select case when scope_is('person') then nullif(current_setting('weft.user', true), '')::uuid end
$$;

create policy own on http_sessions using (user_id = (select scope_user()));
-- Before it is known where somebody may go, memberships are read and not made.
create policy accounts on tenant_members for select using ((select scope_is('accounts')));
create policy own on tenant_members for select using (user_id = (select scope_user()));
create policy own on tenants for select using (
  exists (select from tenant_members m where m.tenant_id = tenants.id and m.user_id = (select scope_user()))
);

-- What the admin of a tenant has to know of a member whose account another tenant may keep. The account stays as it is until the end
-- of the transaction: whoever changes memberships locks it first.
create function lock_member_account(member uuid) returns table (provider_role text, oidc boolean) language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
begin
  perform set_config('weft.scope', 'accounts', true);
  return query select u.provider_role, u.oidc_subject is not null from users u where u.id = member for update;
  perform set_config('weft.scope', own_scope, true);
end
$$;

-- Whether somebody else, for one tenant, changes an account that another tenant's member has too: it would open that tenant, or close it.
-- Whoever does not say who it is changes an own account, or is the OpenID provider.
create function is_for_other_tenants(member uuid) returns boolean language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  actor text := nullif(current_setting('weft.actor', true), '');
  found boolean;
begin
  if own_scope <> 'tenant' or actor is null then return false; end if;
  perform set_config('weft.scope', 'accounts', true);
  select exists (select from tenant_members where user_id = member and tenant_id is distinct from scope_tenant())
    and not exists (
      select from users where name = actor and (id = member or provider_role is not distinct from 'admin' or break_glass))
    into found;
  perform set_config('weft.scope', own_scope, true);
  return found;
end
$$;

create function protect_shared_account() returns trigger language plpgsql as $$
begin
  if is_for_other_tenants(case when tg_table_name = 'users' then (to_jsonb(old) ->> 'id')::uuid else (to_jsonb(old) ->> 'user_id')::uuid end)
  then
    raise exception 'the account is one of other tenants, too'
      using errcode = 'restrict_violation', constraint = 'users_of_several_tenants';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end
$$;

create trigger users_of_several_tenants before delete on users for each row execute function protect_shared_account();
create trigger users_of_several_tenants_password before update of password_hash on users for each row
  when (old.password_hash is distinct from new.password_hash) execute function protect_shared_account();
create trigger totp_factors_of_several_tenants before delete on totp_factors for each row execute function protect_shared_account();

-- An account is a member of the tenant that keeps it, with the role that it has there.
create function keep_membership_of_account() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
begin
  perform set_config('weft.scope', 'installation', true);
  insert into tenant_members as member (tenant_id, user_id, user_name, role) values (new.tenant_id, new.id, new.name, new.role)
    on conflict (tenant_id, user_id) do update set role = excluded.role where member.role <> excluded.role;
  perform set_config('weft.scope', own_scope, true);
  return null;
end
$$;

create trigger users_membership after insert or update of tenant_id, role on users
  for each row execute function keep_membership_of_account();

create function check_membership() returns trigger language plpgsql as $$
begin
  if (old.tenant_id, old.user_id, old.user_name) is distinct from (new.tenant_id, new.user_id, new.user_name) then
    raise exception 'a membership is of one person in one tenant'
      using errcode = 'restrict_violation', constraint = 'tenant_members_immutable';
  end if;
  return new;
end
$$;

create trigger tenant_members_immutable before update on tenant_members for each row execute function check_membership();

create function keep_role_of_account() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
begin
  perform set_config('weft.scope', 'installation', true);
  update users set role = new.role where id = new.user_id and tenant_id = new.tenant_id and role <> new.role;
  perform set_config('weft.scope', own_scope, true);
  return null;
end
$$;

create trigger tenant_members_account after update of role on tenant_members
  for each row when (old.role <> new.role) execute function keep_role_of_account();

-- With a membership go the sessions that are in the tenant, and the API tokens for it. The account goes with the last one; before that
-- another tenant keeps it, the one that it has been in for longest.
create function leave_tenant() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  keeper uuid;
  next tenant_members;
begin
  perform set_config('weft.scope', 'installation', true);
  -- One after the other, or two tenants could each take the other for the last one.
  select tenant_id into keeper from users where id = old.user_id for update;
  if found then
    delete from http_sessions where user_id = old.user_id and tenant_id = old.tenant_id;
    delete from api_tokens where user_id = old.user_id and tenant_id = old.tenant_id;
    select * into next from tenant_members where user_id = old.user_id order by joined_at, tenant_id limit 1;
    if next.tenant_id is null then
      delete from users where id = old.user_id;
    elsif keeper = old.tenant_id then
      update users set tenant_id = next.tenant_id, role = next.role where id = old.user_id;
    end if;
  end if;
  perform set_config('weft.scope', own_scope, true);
  return null;
end
$$;

create trigger tenant_members_leave after delete on tenant_members for each row execute function leave_tenant();

-- A session is in a tenant that its user may enter: in the only one from the beginning.
create function check_session_tenant() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  admitted boolean;
begin
  perform set_config('weft.scope', 'accounts', true);
  if new.tenant_id is null then
    select (array_agg(tenant_id))[1] into new.tenant_id from tenant_members where user_id = new.user_id having count(*) = 1;
  else
    select new.break_glass or exists (select from tenant_members where user_id = new.user_id and tenant_id = new.tenant_id)
      or exists (select from users where id = new.user_id and provider_role is not null) into admitted;
    if not admitted then
      raise exception 'the user may not enter this tenant'
        using errcode = 'restrict_violation', constraint = 'http_sessions_tenant';
    end if;
  end if;
  perform set_config('weft.scope', own_scope, true);
  return new;
end
$$;

create trigger http_sessions_tenant before insert or update of tenant_id on http_sessions
  for each row execute function check_session_tenant();

create trigger tenant_members_announce after delete or update of role on tenant_members
  for each row execute function announce_access();
create trigger http_sessions_announce_tenant after update of tenant_id on http_sessions for each row execute function announce_access();

-- An approval is worth what its maker is now, in its own tenant: the role there, or that of the provider (0120_approvals.sql).
drop trigger users_end_approvals_update on users;
create constraint trigger users_end_approvals_update after update on users deferrable initially deferred for each row
  when (old.provider_role is distinct from new.provider_role) execute function end_approvals_of_user();

create function end_approvals_of_member() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
begin
  perform set_config('weft.scope', 'installation', true);
  update draft_approvals set voided_at = clock_timestamp(), void_cause = 'approver_changed',
    voided_by = nullif(current_setting('weft.actor', true), '')
    where tenant_id = old.tenant_id and approver = old.user_name and voided_at is null and followed_by is null;
  perform set_config('weft.scope', own_scope, true);
  return null;
end
$$;

create constraint trigger tenant_members_end_approvals after delete on tenant_members deferrable initially deferred
  for each row execute function end_approvals_of_member();
create constraint trigger tenant_members_end_approvals_update after update on tenant_members deferrable initially deferred
  for each row when (old.role <> new.role) execute function end_approvals_of_member();

select isolate_tenants();
