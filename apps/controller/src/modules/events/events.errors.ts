import { DomainError, refusal } from '../../platform/http/domain-error.js';

export function tooManyStreams(whose: 'user' | 'tenant' | 'controller', most: number): DomainError {
  const detail = `The ${whose} has ${most} event streams open here, which is as many as there may be. Close one, or ask another controller.`;
  return new DomainError('rate_limited', 'too_many_streams', detail, [], STREAM_RETRY_SECONDS);
}

export function malformedLastEventId(): DomainError {
  return refusal('invalid', {
    pointer: '',
    rule: 'last_event_id_format',
    detail: 'Last-Event-ID is not the id of an event',
    fix: 'Send the id of the last event that you have seen, as 5f0c2a9e-4711, or leave the header out.',
  });
}

const STREAM_RETRY_SECONDS = 10;
