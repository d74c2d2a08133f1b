-- Versions of what is changed field by field, so that whoever changes it may say which one they have seen; the API's ETag. Triggers count,
-- whoever writes: a request, an import, a restoration, a login by the OpenID provider, or a controller of the version before.
alter table sites add column version integer not null default 1;
alter table networks add column version integer not null default 1;
alter table edges add column version integer not null default 1;
alter table tenants add column version integer not null default 1;
alter table users add column version integer not null default 1;
alter table tenant_members add column version integer not null default 1;
-- Which policies there are, in which order.
alter table tenants add column policy_order_version integer not null default 1;

-- Another version when anything else than the named columns is another: those have versions of their own, or follow from the rest.
create function grow_version() returns trigger language plpgsql as $$
declare
  -- Without an argument there is no array.
  apart text[] := array['version'] || tg_argv;
begin
  if to_jsonb(new) - apart is distinct from to_jsonb(old) - apart then
    new.version := old.version + 1;
  end if;
  return new;
end
$$;

create trigger sites_version before update on sites for each row execute function grow_version('updated_at');
create trigger networks_version before update on networks for each row execute function grow_version();
create trigger edges_version before update on edges for each row execute function grow_version('updated_at');
create trigger tenants_version before update on tenants for each row
  execute function grow_version('topology_version', 'policy_order_version');
-- What is generated is not there yet before an update.
create trigger users_version before update on users for each row execute function grow_version('administrator', 'opened_at');
create trigger tenant_members_version before update on tenant_members for each row execute function grow_version();

create function count_policy_order_change() returns trigger language plpgsql as $$
declare
  tenant uuid := case when tg_op = 'DELETE' then old.tenant_id else new.tenant_id end;
begin
  -- Once in a transaction.
  if current_setting('weft.policy_order_changed', true) = tenant::text then return null; end if;
  perform set_config('weft.policy_order_changed', tenant::text, true);
  update tenants set policy_order_version = policy_order_version + 1 where id = tenant;
  return null;
end
$$;
create trigger policies_order after insert or delete on policies
  for each row execute function count_policy_order_change();
create trigger policies_order_update after update on policies for each row
  when (old.position is distinct from new.position) execute function count_policy_order_change();
