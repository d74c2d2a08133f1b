-- Named services: what a rule means when it says "https". Rules name them beside the services that they write themselves.
create table services (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  description text not null default '',
  -- Grows with every change of the service; the API's ETag.
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint services_tenant_id_id_key unique (tenant_id, id),
  constraint services_name_key unique (tenant_id, name),
  constraint services_name_length check (char_length(name) between 1 and 100),
  constraint services_description_length check (char_length(description) <= 1000)
);

-- What a service is of, as in rule_services.
create table service_protocols (
  tenant_id uuid not null,
  service_id uuid not null,
  position integer not null,
  protocol text not null,
  -- Destination ports; empty is all of them.
  ports int4range[] not null,
  constraint service_protocols_pkey primary key (tenant_id, service_id, position),
  constraint service_protocols_service_fkey foreign key (tenant_id, service_id)
    references services (tenant_id, id) on delete cascade,
  constraint service_protocols_position_range check (position >= 0),
  constraint service_protocols_protocol check (protocol in ('any', 'tcp', 'udp', 'icmp', 'icmpv6')),
  constraint service_protocols_ports_protocol check (cardinality(ports) = 0 or protocol in ('tcp', 'udp')),
  constraint service_protocols_ports_range check (int4range(0, 65536) @> all (ports))
);

-- A service stays while a rule names it.
create table rule_named_services (
  tenant_id uuid not null,
  rule_id uuid not null,
  position integer not null,
  service_id uuid not null,
  constraint rule_named_services_pkey primary key (tenant_id, rule_id, position),
  constraint rule_named_services_rule_fkey foreign key (tenant_id, rule_id)
    references policy_rules (tenant_id, id) on delete cascade,
  constraint rule_named_services_service_fkey foreign key (tenant_id, service_id) references services (tenant_id, id),
  constraint rule_named_services_position_range check (position >= 0)
);

create index rule_named_services_service on rule_named_services (tenant_id, service_id);

-- As in 0223_draft_and_connection_events.sql, and a change of a service is told as that of a service.
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
    when 'external_peers' then 'external_peer' when 'groups' then 'group' when 'group_members' then 'group'
    when 'services' then 'service' when 'service_protocols' then 'service'
    when 'policy_tests' then 'policy_test' else 'policy'
  end;
  perform append_fabric_event(event);
  return null;
end
$$;

-- All of it is in an intent (src/modules/revisions/intent.repository.ts).
create constraint trigger services_draft after insert or delete on services deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger services_draft_update after update on services deferrable initially deferred for each row
  when (old.name is distinct from new.name) execute function record_draft_change();
create constraint trigger service_protocols_draft after insert or update or delete on service_protocols
  deferrable initially deferred for each row execute function record_draft_change();
create constraint trigger rule_named_services_draft after insert or update or delete on rule_named_services
  deferrable initially deferred for each row execute function record_draft_change();

select isolate_tenants();
