import { useQuery } from '@tanstack/react-query';
import type { ExternalPeer } from '../../api/index.js';
import { groupsQuery } from '../groups/queries.js';
import { policiesQuery } from '../policies/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { rulesNaming } from './wording.js';

/** The rules of the draft that cover a peer; undefined until they are known. */
export function useNamingRules(peer: ExternalPeer): ReturnType<typeof rulesNaming> | undefined {
  const tenantId = useTenantId();
  const policies = useQuery(policiesQuery(tenantId)).data?.items;
  const groups = useQuery(groupsQuery(tenantId)).data?.items;
  return policies && groups && rulesNaming(policies, groups, peer);
}
