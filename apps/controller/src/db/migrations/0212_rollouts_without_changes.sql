-- A rollout was found to be complete when an edge said that it runs a bundle. A revision that changes no bundle has nobody say so, nor has
-- one that only takes away the edge that was behind: what is desired is looked at as well. No edge that has ever run a bundle: no rollout.
create function complete_rollout(tenant uuid) returns void language plpgsql as $$
declare
  event fabric_events;
  newest integer;
begin
  -- Whoever finds that out holds the lock on the journal (0090_fabric_events.sql).
  perform from event_journals where tenant_id = tenant for update;
  select max(revision) into newest from edge_bundles where tenant_id = tenant
    having bool_and(applied_hash is null or applied_hash = content_hash) and bool_or(applied_hash is not null);
  if newest is null or exists (
    select from fabric_events where tenant_id = tenant and type = 'rollout.completed' and revision = newest
  ) then
    return;
  end if;
  event.tenant_id := tenant;
  event.type := 'rollout.completed';
  event.occurred_at := clock_timestamp();
  event.revision := newest;
  perform append_fabric_event(event);
end
$$;

create or replace function append_bundle_events() returns trigger language plpgsql as $$
declare
  event fabric_events;
begin
  event.tenant_id := new.tenant_id;
  event.type := 'edge.bundle_applied';
  event.occurred_at := new.applied_at;
  event.edge_id := new.edge_id;
  select name into event.edge_name from edges where tenant_id = new.tenant_id and id = new.edge_id;
  event.revision := new.applied_revision;
  perform append_fabric_event(event);
  perform complete_rollout(new.tenant_id);
  return null;
end
$$;

-- At the end of the transaction, which desires everything of a revision at once, and once in it.
create function look_at_rollout() returns trigger language plpgsql as $$
declare
  tenant uuid := coalesce(new.tenant_id, old.tenant_id);
begin
  if current_setting('weft.rollout_looked_at', true) = tenant::text then return null; end if;
  perform set_config('weft.rollout_looked_at', tenant::text, true);
  perform complete_rollout(tenant);
  return null;
end
$$;

create constraint trigger edge_bundles_rollout after insert or delete on edge_bundles deferrable initially deferred
  for each row execute function look_at_rollout();
create constraint trigger edge_bundles_rollout_update after update of revision on edge_bundles deferrable initially deferred
  for each row when (old.revision is distinct from new.revision) execute function look_at_rollout();
