-- Where an edge is too, on other uplinks: in order of preference after underlay_address, at the same port. Empty: it has one uplink.
-- That no other edge has an address and that none is in a network of the fabric is for the whole draft to say, as of the preferred one.
create function distinct_hosts(addresses inet[]) returns boolean language sql immutable strict parallel safe as $$
  select count(distinct host(address)) = count(*)
    and coalesce(bool_and(masklen(address) = case family(address) when 4 then 32 else 128 end), true)
  from unnest(addresses) as address
$$;

alter table edges
  add column other_underlay_addresses inet[] not null default '{}',
  add constraint edges_other_underlay_addresses_length
    check (cardinality(other_underlay_addresses) <= 4 and array_position(other_underlay_addresses, null) is null),
  add constraint edges_other_underlay_addresses_distinct
    check (distinct_hosts(array_prepend(underlay_address, other_underlay_addresses)));

drop trigger edges_draft_update on edges;
create constraint trigger edges_draft_update after update on edges deferrable initially deferred for each row
  when ((old.site_id, old.name, old.underlay_address, old.other_underlay_addresses, old.underlay_port, old.preference)
    is distinct from (new.site_id, new.name, new.underlay_address, new.other_underlay_addresses, new.underlay_port, new.preference))
  execute function record_draft_change();
