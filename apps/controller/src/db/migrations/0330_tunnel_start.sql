-- When edges negotiate their tunnels: at once, or when there is traffic (docs/adr/0033), and after how many seconds without any those of
-- the second kind end; null: they stay. A tenant has a choice, and a rule may have one of its own.
alter table tenants
  add column tunnel_start text not null default 'start',
  add column idle_seconds integer,
  add constraint tenants_tunnel_start check (tunnel_start in ('start', 'trap')),
  add constraint tenants_idle_seconds_range check (idle_seconds between 10 and 2592000),
  add constraint tenants_idle_with_trap check (idle_seconds is null or tunnel_start = 'trap');

-- Null: as the tenant has it.
alter table policy_rules
  add column tunnel_start text,
  add column idle_seconds integer,
  add constraint policy_rules_tunnel_start check (tunnel_start in ('start', 'trap')),
  add constraint policy_rules_idle_seconds_range check (idle_seconds between 10 and 2592000),
  add constraint policy_rules_idle_with_trap check (idle_seconds is null or tunnel_start is not distinct from 'trap');

-- It is in an intent (src/modules/revisions/intent.repository.ts). Of its own beside tenants_draft: a transaction is told once; and by its name
-- before tenants_journal (0121_approval_lock_order.sql).
create constraint trigger tenants_draft_tunnel_start after update on tenants deferrable initially deferred for each row
  when ((old.tunnel_start, old.idle_seconds) is distinct from (new.tunnel_start, new.idle_seconds))
  execute function record_draft_change();
