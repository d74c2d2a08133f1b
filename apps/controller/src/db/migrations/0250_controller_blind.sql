-- Edges may make their keys by messages that the controller relays (docs/adr/0026).
alter table tenants
  drop constraint tenants_keying_mode,
  add constraint tenants_keying_mode check (keying_mode in ('ikev2', 'ike-less', 'controller-blind'));
