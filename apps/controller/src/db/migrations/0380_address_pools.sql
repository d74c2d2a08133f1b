-- Address pools: prefixes of a site of which its edge assigns addresses to remote hosts (RFC 7296 section 3.15, docs/adr/0036).
create table address_pools (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  -- The site whose edge is the gateway of the hosts.
  site_id uuid not null,
  name text not null,
  description text not null default '',
  prefix cidr not null,
  -- What hosts resolve names with, and which names; no domain: all of them.
  name_servers inet[] not null default '{}',
  domains text[] not null default '{}',
  -- Grows with every change of the pool; the API's ETag.
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint address_pools_tenant_id_id_key unique (tenant_id, id),
  -- For those who have an address of it: where that is, and what it has to be in.
  constraint address_pools_place_key unique (tenant_id, id, site_id, prefix),
  constraint address_pools_site_fkey foreign key (tenant_id, site_id) references sites (tenant_id, id),
  constraint address_pools_name_key unique (tenant_id, name),
  constraint address_pools_name_length check (char_length(name) between 1 and 100),
  constraint address_pools_description_length check (char_length(description) <= 1000),
  constraint address_pools_name_servers check (
    cardinality(name_servers) <= 8 and array_position(name_servers, null) is null and distinct_hosts(name_servers)),
  constraint address_pools_domains check (
    cardinality(domains) <= 16 and array_position(domains, null) is null
    and (cardinality(domains) = 0 or cardinality(name_servers) > 0)),
  constraint address_pools_prefix_overlap
    exclude using gist (tenant_id with =, prefix inet_ops with &&) deferrable initially immediate
);

create index address_pools_site on address_pools (tenant_id, site_id);

-- External peers are gateways, which are somewhere and have networks behind them, or remote hosts, which come from anywhere and have the
-- addresses that they are assigned.
alter table external_peers
  add column kind text not null default 'gateway',
  alter column address drop not null,
  alter column port drop not null,
  alter column prefixes drop not null,
  add constraint external_peers_kind check (
    case kind
      when 'gateway' then num_nonnulls(address, port, prefixes) = 3
      when 'remote_host' then num_nonnulls(address, port, prefixes) = 0
      else false
    end),
  add constraint external_peers_place_key unique (tenant_id, id, site_id, kind);

create table assigned_addresses (
  tenant_id uuid not null,
  external_peer_id uuid not null,
  address_pool_id uuid not null,
  -- Of the pool and of the host: its edge is the gateway of both.
  site_id uuid not null,
  -- No gateway is assigned anything.
  kind text not null default 'remote_host',
  -- Of the pool.
  prefix cidr not null,
  address inet not null,
  constraint assigned_addresses_pkey primary key (tenant_id, external_peer_id, address_pool_id),
  constraint assigned_addresses_external_peer_fkey foreign key (tenant_id, external_peer_id, site_id, kind)
    references external_peers (tenant_id, id, site_id, kind) on delete cascade,
  constraint assigned_addresses_address_pool_fkey foreign key (tenant_id, address_pool_id, site_id, prefix)
    references address_pools (tenant_id, id, site_id, prefix) on update cascade,
  -- Hosts may change addresses with each other.
  constraint assigned_addresses_address_key unique (tenant_id, address) deferrable initially immediate,
  constraint assigned_addresses_kind check (kind = 'remote_host'),
  constraint assigned_addresses_address_host check (masklen(address) = case family(address) when 4 then 32 else 128 end),
  constraint assigned_addresses_in_prefix check (address <<= prefix)
);

-- One of each IP version at most.
create unique index assigned_addresses_family on assigned_addresses (tenant_id, external_peer_id, family(address));
create index assigned_addresses_pool on assigned_addresses (tenant_id, address_pool_id);

-- Rules may name pools: what is assigned of them.
alter table rule_endpoints
  add column address_pool_id uuid,
  add constraint rule_endpoints_address_pool_fkey foreign key (tenant_id, address_pool_id)
    references address_pools (tenant_id, id),
  drop constraint rule_endpoints_kind,
  add constraint rule_endpoints_kind check (
    num_nonnulls(site_id, network_id, prefix, external_peer_id, address_pool_id, group_id) = case kind when 'any' then 0 else 1 end
    and case kind
      when 'any' then true
      when 'site' then site_id is not null
      when 'network' then network_id is not null
      when 'prefix' then prefix is not null
      when 'external_peer' then external_peer_id is not null
      when 'address_pool' then address_pool_id is not null
      when 'group' then group_id is not null
      else false
    end
  );
create index rule_endpoints_address_pool on rule_endpoints (tenant_id, address_pool_id) where address_pool_id is not null;

create trigger address_pools_version before update on address_pools for each row execute function grow_version('updated_at');

-- As in 0300_profiles.sql, and a change of an address pool is told as that of an address pool, one of what a host is assigned as that of
-- the external peer that it is.
create or replace function record_draft_change() returns trigger language plpgsql as $$
declare
  tenant uuid;
  actor text := nullif(current_setting('weft.actor', true), '');
  event fabric_events;
begin
  if tg_table_name = 'tenants' then tenant := new.id;
  elsif tg_op = 'DELETE' then tenant := old.tenant_id;
  else tenant := new.tenant_id;
  end if;
  -- Once in a transaction.
  if current_setting('weft.draft_changed', true) = tenant::text then return null; end if;
  perform set_config('weft.draft_changed', tenant::text, true);
  if actor is not null then
    insert into draft_editors as editor (tenant_id, name) values (tenant, actor)
      on conflict (tenant_id, name) do update set changes = editor.changes + 1;
  end if;
  update draft_approvals set voided_at = clock_timestamp(), voided_by = actor, void_cause = 'draft_changed'
    where tenant_id = tenant and voided_at is null and followed_by is null;
  event.tenant_id := tenant;
  event.type := 'draft.changed';
  event.occurred_at := clock_timestamp();
  event.actor := actor;
  event.cause := case tg_table_name
    when 'tenants' then 'fabric' when 'sites' then 'site' when 'networks' then 'network' when 'edges' then 'edge'
    when 'address_pools' then 'address_pool' when 'external_peers' then 'external_peer'
    when 'assigned_addresses' then 'external_peer' when 'groups' then 'group' when 'group_members' then 'group'
    when 'profiles' then 'profile' when 'services' then 'service' when 'service_protocols' then 'service'
    when 'policy_tests' then 'policy_test' else 'policy'
  end;
  perform append_fabric_event(event);
  return null;
end
$$;

-- All of it but what people write about it is in an intent (src/modules/revisions/intent.repository.ts).
create constraint trigger address_pools_draft after insert or delete on address_pools deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger address_pools_draft_update after update on address_pools deferrable initially deferred for each row
  when ((old.site_id, old.name, old.prefix, old.name_servers, old.domains)
    is distinct from (new.site_id, new.name, new.prefix, new.name_servers, new.domains))
  execute function record_draft_change();
create constraint trigger assigned_addresses_draft after insert or update or delete on assigned_addresses
  deferrable initially deferred for each row execute function record_draft_change();

select isolate_tenants();
