import { type DomainError, refusal } from '../../platform/http/domain-error.js';

export function tenantNameTaken(name: string): DomainError {
  return refusal('conflict', {
    pointer: '/name',
    rule: 'name_taken',
    detail: `There is a tenant "${name}" already`,
    fix: 'Choose another name.',
  });
}
