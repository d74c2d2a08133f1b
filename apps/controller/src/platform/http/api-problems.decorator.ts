import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';

const DESCRIPTIONS = {
  401: 'Nobody is logged in.',
  403: 'The role does not suffice, or the request comes from a page of another origin.',
  404: 'No such resource.',
  409: 'The request conflicts with what exists; `errors` names both.',
  412: 'The resource has changed since it was read.',
  422: 'A field breaks a rule; `errors` names each.',
  428: 'The request needs If-Match.',
  429: 'Too many attempts; Retry-After says when to come back.',
  503: 'The database or the compiler gives no answer; nothing was changed.',
} as const;

/** Documents the problems that an operation may answer with, beside those that every operation may. */
export function ApiProblems(...statuses: readonly (keyof typeof DESCRIPTIONS)[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ...statuses.map((status) => ApiResponse({ status, description: DESCRIPTIONS[status], content: PROBLEM_CONTENT })),
    ApiResponse({ status: 'default', description: 'Any other problem.', content: PROBLEM_CONTENT }),
  );
}

const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
