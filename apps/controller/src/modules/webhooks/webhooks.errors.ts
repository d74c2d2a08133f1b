import { DomainError, refusal } from '../../platform/http/domain-error.js';

export function webhookNameTaken(name: string): DomainError {
  return refusal('conflict', {
    pointer: '/name',
    rule: 'name_taken',
    detail: `There is a webhook "${name}" already`,
    fix: 'Give it another name.',
  });
}

export function tooManyWebhooks(most: number): DomainError {
  const detail = `The tenant has ${most} webhooks, which is as many as there may be. Remove one first.`;
  return new DomainError('conflict', 'too_many_webhooks', detail);
}

export function webhookDisabled(): DomainError {
  return new DomainError(
    'conflict',
    'webhook_disabled',
    'The webhook is disabled, so that nothing is delivered. Enable it first.',
  );
}
