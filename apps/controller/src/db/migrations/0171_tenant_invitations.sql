-- How somebody who has a login becomes a member of another tenant: its admin names the login, and the person accepts. An invitation says
-- nothing of whether there is such a login: it can be made for any name.
create table tenant_invitations (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  -- The tenant's name, which does not change: whoever is invited does not see its row yet.
  tenant_name text not null,
  user_name text not null,
  role text not null,
  invited_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint tenant_invitations_once unique (tenant_id, user_name),
  constraint tenant_invitations_user_name_length check (char_length(user_name) between 1 and 100),
  constraint tenant_invitations_role check (role in ('viewer', 'operator', 'approver', 'admin')),
  constraint tenant_invitations_lifetime check (expires_at > created_at and expires_at <= created_at + interval '31 days')
);

create index tenant_invitations_user_name on tenant_invitations (user_name);

-- Since when the account is in the hands of who has it: somebody else made it then, or gave it another password. An invitation from
-- before that is for who had it before, or for nobody: whoever makes accounts could take invitations otherwise.
alter table users add column opened_at timestamptz not null default clock_timestamp();

create function note_opened_account() returns trigger language plpgsql as $$
begin
  if nullif(current_setting('weft.actor', true), '') <> old.name then new.opened_at := clock_timestamp(); end if;
  return new;
end
$$;

create trigger users_opened before update of password_hash on users for each row
  when (old.password_hash is distinct from new.password_hash) execute function note_opened_account();

-- Not for who logs in at the OpenID provider, which says where they are, nor for break-glass logins, which are nobody.
create function is_invited(account uuid, name_invited text, invited_at timestamptz) returns boolean language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  found boolean;
begin
  perform set_config('weft.scope', 'accounts', true);
  select exists (
    select from users where id = account and name = name_invited and opened_at <= invited_at and oidc_subject is null and not break_glass
  ) into found;
  perform set_config('weft.scope', own_scope, true);
  return found;
end
$$;

create policy own on tenant_invitations for select
  using ((select scope_is('person')) and expires_at > now() and is_invited((select scope_user()), user_name, created_at));

-- A membership comes with the account, or the person takes it by an invitation, which is used up. For whom the OpenID provider says where
-- they are the login says so, which is nobody's request.
create function demand_invitation() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  account uuid := scope_user();
  actor text := nullif(current_setting('weft.actor', true), '');
begin
  if own_scope = 'installation' then return new; end if;
  perform set_config('weft.scope', 'installation', true);
  if own_scope = 'tenant' and actor is null and exists (
    select from users where id = new.user_id and oidc_subject is not null
  ) then
    perform set_config('weft.scope', own_scope, true);
    return new;
  end if;
  delete from tenant_invitations
    where tenant_id = new.tenant_id and user_name = new.user_name and role = new.role and expires_at > now()
      and account = new.user_id and is_invited(account, user_name, created_at);
  if not found then
    raise exception 'nobody is a member without an invitation'
      using errcode = 'restrict_violation', constraint = 'tenant_members_invitation';
  end if;
  perform set_config('weft.scope', own_scope, true);
  return new;
end
$$;

create trigger tenant_members_invitation before insert on tenant_members for each row execute function demand_invitation();

select isolate_tenants();
