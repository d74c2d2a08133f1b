import type { RuleInput } from '@weft/contracts/rest';
import { answerOf, type Lab, publish } from '@weft/lab';

/** Replaces the rules of the lab's policy by what `change` makes of them, and publishes; resolves with the time of the answer. */
export async function publishRules(
  lab: Lab,
  comment: string,
  change: (rules: readonly RuleInput[]) => readonly RuleInput[],
): Promise<number> {
  const { client, tenantId } = lab.api;
  const path = { tenantId, policyId: lab.fabric.policyId };
  const current = await client.GET('/api/v1/tenants/{tenantId}/policies/{policyId}', { params: { path } });
  const { name, description, enabled, rules } = answerOf(current, 'Read the policy');
  const header = { 'If-Match': current.response.headers.get('etag') ?? '' };
  answerOf(
    await client.PUT('/api/v1/tenants/{tenantId}/policies/{policyId}', {
      params: { path, header },
      body: { name, description, enabled, rules: [...change(rules)] },
    }),
    'Replace the policy',
  );
  await publish(lab.api, comment);
  return Date.now();
}
