-- External peers that prove with a certificate who they are: what is pinned for them, authorities or certificates of their own, DER.
-- Our edge then shows its own certificate and the subject of that, so that there is neither a key nor an identity to store.
alter table external_peers
  add column certificates bytea[],
  alter column commitment drop not null,
  alter column local_identity drop not null,
  add constraint external_peers_proof check (
    case
      when certificates is null then num_nonnulls(commitment, local_identity) = 2
      else num_nonnulls(commitment, local_identity) = 0 and cardinality(certificates) between 1 and 8
    end
  );
