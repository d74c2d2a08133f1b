-- Who has tunnels with whom. A tenant without a row in `topologies` has a full mesh, as all had before there was a choice.
create table topologies (
  tenant_id uuid primary key references tenants (id),
  kind text not null,
  constraint topologies_tenant_id_kind_key unique (tenant_id, kind),
  constraint topologies_kind check (kind in ('hub_and_spoke', 'partial_mesh', 'custom_links'))
);

-- What the topology names, in order. A site that is named must exist in the same tenant and stays while it is named.
create table topology_members (
  tenant_id uuid not null,
  topology text not null,
  position integer not null,
  kind text not null,
  site_id uuid not null,
  -- Of a home its hub, of a link the other end.
  other_site_id uuid,
  -- Which mesh, from 0.
  mesh integer,
  constraint topology_members_pkey primary key (tenant_id, position),
  constraint topology_members_topology_fkey foreign key (tenant_id, topology) references topologies (tenant_id, kind)
    on delete cascade,
  constraint topology_members_site_fkey foreign key (tenant_id, site_id) references sites (tenant_id, id),
  constraint topology_members_other_site_fkey foreign key (tenant_id, other_site_id) references sites (tenant_id, id),
  constraint topology_members_position_range check (position between 0 and 39999),
  constraint topology_members_mesh_range check (mesh between 0 and 999),
  constraint topology_members_two_sites check (site_id <> other_site_id),
  constraint topology_members_kind check (
    case kind
      when 'hub' then topology = 'hub_and_spoke' and other_site_id is null and mesh is null
      when 'home' then topology = 'hub_and_spoke' and other_site_id is not null and mesh is null
      when 'mesh' then topology = 'partial_mesh' and other_site_id is null and mesh is not null
      when 'link' then topology = 'custom_links' and other_site_id is not null and mesh is null
      when 'relay' then topology = 'custom_links' and other_site_id is null and mesh is null
      else false
    end
  )
);

-- Nothing stands twice: no hub, no relay, no site of a mesh, no link the other way round; and a site has one home.
create unique index topology_members_once on topology_members (
  tenant_id, kind, coalesce(mesh, 0),
  (case when kind = 'link' then least(site_id, other_site_id) else site_id end),
  (case when kind = 'link' then greatest(site_id, other_site_id) else site_id end)
);
create index topology_members_site on topology_members (tenant_id, site_id);
create index topology_members_other_site on topology_members (tenant_id, other_site_id) where other_site_id is not null;

-- Grows with every transaction that changes the topology; the API's ETag.
alter table tenants add column topology_version integer not null default 1;

create function count_topology_change() returns trigger language plpgsql as $$
declare
  tenant uuid := case when tg_op = 'DELETE' then old.tenant_id else new.tenant_id end;
begin
  -- Once in a transaction.
  if current_setting('weft.topology_changed', true) = tenant::text then return null; end if;
  perform set_config('weft.topology_changed', tenant::text, true);
  update tenants set topology_version = topology_version + 1 where id = tenant;
  return null;
end
$$;
create trigger topologies_changed after insert or update or delete on topologies
  for each row execute function count_topology_change();
create trigger topology_members_changed after insert or update or delete on topology_members
  for each row execute function count_topology_change();

-- It is in an intent (src/modules/revisions/intent.repository.ts).
drop trigger tenants_draft on tenants;
create constraint trigger tenants_draft after update on tenants deferrable initially deferred for each row
  when ((old.keying_mode, old.encapsulation, old.security_protocol, old.mode, old.topology_version)
    is distinct from (new.keying_mode, new.encapsulation, new.security_protocol, new.mode, new.topology_version))
  execute function record_draft_change();

select isolate_tenants();
