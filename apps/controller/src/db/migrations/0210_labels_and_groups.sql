-- Labels of sites and networks, by which people say what they have in common, and groups: what a rule means when it says "all branches".
create function are_labels(labels jsonb) returns boolean language sql immutable as $$
  select case when jsonb_typeof(labels) is distinct from 'object' then false else (
    select count(*) <= 32 and coalesce(bool_and(
      key ~ '^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$' and jsonb_typeof(value) = 'string'
      and value #>> '{}' ~ '^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$'), true)
    from jsonb_each(labels)) end
$$;

alter table sites
  add column labels jsonb not null default '{}',
  add constraint sites_labels check (are_labels(labels));
alter table networks
  add column labels jsonb not null default '{}',
  add constraint networks_labels check (are_labels(labels));

create table groups (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  description text not null default '',
  -- Grows with every change of the group; the API's ETag.
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint groups_tenant_id_id_key unique (tenant_id, id),
  constraint groups_name_key unique (tenant_id, name),
  constraint groups_name_length check (char_length(name) between 1 and 100),
  constraint groups_description_length check (char_length(description) <= 1000)
);

-- What is in a group: whatever any of its members holds. What one names must exist in the same tenant and stays while it is named.
create table group_members (
  tenant_id uuid not null,
  group_id uuid not null,
  position integer not null,
  kind text not null,
  site_id uuid,
  network_id uuid,
  prefix cidr,
  external_peer_id uuid,
  -- All that the site or the network must carry.
  labels jsonb,
  constraint group_members_pkey primary key (tenant_id, group_id, position),
  constraint group_members_group_fkey foreign key (tenant_id, group_id) references groups (tenant_id, id) on delete cascade,
  constraint group_members_site_fkey foreign key (tenant_id, site_id) references sites (tenant_id, id),
  constraint group_members_network_fkey foreign key (tenant_id, network_id) references networks (tenant_id, id),
  constraint group_members_external_peer_fkey foreign key (tenant_id, external_peer_id)
    references external_peers (tenant_id, id),
  constraint group_members_position_range check (position >= 0),
  constraint group_members_one check (num_nonnulls(site_id, network_id, prefix, external_peer_id, labels) = 1),
  constraint group_members_kind check (
    case kind
      when 'site' then site_id is not null
      when 'network' then network_id is not null
      when 'prefix' then prefix is not null
      when 'external_peer' then external_peer_id is not null
      -- Without a label it would be every site there is, by an oversight.
      when 'site_labels' then labels is not null and are_labels(labels) and labels <> '{}'
      when 'network_labels' then labels is not null and are_labels(labels) and labels <> '{}'
      else false
    end
  )
);

create index group_members_site on group_members (tenant_id, site_id) where site_id is not null;
create index group_members_network on group_members (tenant_id, network_id) where network_id is not null;
create index group_members_external_peer on group_members (tenant_id, external_peer_id) where external_peer_id is not null;

-- Rules may name them.
alter table rule_endpoints
  add column group_id uuid,
  add constraint rule_endpoints_group_fkey foreign key (tenant_id, group_id) references groups (tenant_id, id),
  drop constraint rule_endpoints_kind,
  add constraint rule_endpoints_kind check (
    case kind
      when 'any' then num_nonnulls(site_id, network_id, prefix, external_peer_id, group_id) = 0
      when 'site' then site_id is not null and num_nonnulls(network_id, prefix, external_peer_id, group_id) = 0
      when 'network' then network_id is not null and num_nonnulls(site_id, prefix, external_peer_id, group_id) = 0
      when 'prefix' then prefix is not null and num_nonnulls(site_id, network_id, external_peer_id, group_id) = 0
      when 'external_peer' then external_peer_id is not null and num_nonnulls(site_id, network_id, prefix, group_id) = 0
      when 'group' then group_id is not null and num_nonnulls(site_id, network_id, prefix, external_peer_id) = 0
      else false
    end
  );

create index rule_endpoints_group on rule_endpoints (tenant_id, group_id) where group_id is not null;

-- All of it is in an intent (src/modules/revisions/intent.repository.ts); of networks every change counts already.
drop trigger sites_draft_update on sites;
create constraint trigger sites_draft_update after update on sites deferrable initially deferred for each row
  when ((old.name, old.labels) is distinct from (new.name, new.labels)) execute function record_draft_change();
create constraint trigger groups_draft after insert or delete on groups deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger groups_draft_update after update on groups deferrable initially deferred for each row
  when (old.name is distinct from new.name) execute function record_draft_change();
create constraint trigger group_members_draft after insert or update or delete on group_members deferrable initially deferred
  for each row execute function record_draft_change();

select isolate_tenants();
