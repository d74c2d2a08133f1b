-- As in 0120_approvals.sql, and each transaction that changes the draft is an event. The journal comes last, behind editors and approvals.
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
    when 'policy_tests' then 'policy_test' else 'policy'
  end;
  perform append_fabric_event(event);
  return null;
end
$$;

-- That edges of a tenant have come and gone, in this order. Nothing may follow but the commit.
create function append_connection_events(tenant uuid, connections jsonb) returns void language plpgsql as $$
declare
  connection record;
  event fabric_events;
begin
  for connection in
    select c.* from jsonb_array_elements(connections) with ordinality entry (value, place),
      jsonb_to_record(entry.value) as c (edge uuid, type text, at timestamptz, cause text)
    order by entry.place
  loop
    event := null;
    event.tenant_id := tenant;
    event.type := connection.type;
    event.occurred_at := connection.at;
    event.edge_id := connection.edge;
    select name into event.edge_name from edges where tenant_id = tenant and id = connection.edge;
    event.cause := connection.cause;
    perform append_fabric_event(event);
  end loop;
end
$$;
