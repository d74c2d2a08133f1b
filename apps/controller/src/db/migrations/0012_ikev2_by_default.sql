-- Tenants that are made from now on have their edges negotiate the traffic keys (RFC 9061 section 4.1: the IKE case). Those that
-- exist keep what they have: whoever runs them decides when their tunnels are keyed anew.
alter table tenants alter column keying_mode set default 'ikev2';
