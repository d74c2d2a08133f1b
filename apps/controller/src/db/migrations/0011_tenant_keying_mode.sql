-- Who makes the traffic keys of a tenant: its edges (ikev2), or the controller (ike-less, RFC 9061). In force with the next
-- revision.
alter table tenants
  add column keying_mode text not null default 'ike-less',
  add constraint tenants_keying_mode check (keying_mode in ('ikev2', 'ike-less'));
