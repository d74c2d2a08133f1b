-- The hash of the content that an agent runs in a form that it takes: one that it was made into for an agent that does not know all of the
-- contract. Null: what it runs is the content itself. It takes the place of single_path_hash, which a controller from before still writes.
alter table edge_bundles add column applied_from_hash bytea;

-- As in 0321_single_path_bundles.sql, and who runs its bundle in another form runs what it should.
create or replace function complete_rollout(tenant uuid) returns void language plpgsql as $$
declare
  event fabric_events;
  newest integer;
begin
  -- Whoever finds that out holds the lock on the journal (0090_fabric_events.sql).
  perform from event_journals where tenant_id = tenant for update;
  select max(revision) into newest from edge_bundles where tenant_id = tenant
    having bool_and(applied_hash is null
        or content_hash in (applied_hash, coalesce(applied_from_hash, applied_hash))
        or applied_hash = coalesce(single_path_hash, content_hash))
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
