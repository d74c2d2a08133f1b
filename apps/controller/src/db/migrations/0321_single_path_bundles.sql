-- The hash of the content as an agent from before there were several uplinks takes it; null: the content names none, and is for all.
alter table edge_bundles add column single_path_hash bytea;

-- As in 0212_rollouts_without_changes.sql, and who runs its bundle without other uplinks runs what it should.
create or replace function complete_rollout(tenant uuid) returns void language plpgsql as $$
declare
  event fabric_events;
  newest integer;
begin
  -- Whoever finds that out holds the lock on the journal (0090_fabric_events.sql).
  perform from event_journals where tenant_id = tenant for update;
  select max(revision) into newest from edge_bundles where tenant_id = tenant
    having bool_and(applied_hash is null or applied_hash in (content_hash, coalesce(single_path_hash, content_hash)))
      and bool_or(applied_hash is not null);
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
