import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

export const IMMEDIATE = 'weft:immediate';
export const SHOWN_ONCE = 'weft:shown-once';
export const QUERY_PARAMETERS = 'weft:query-parameters';

/** In the document while it is made: what the write knows nothing of. Removed in the end. */
export const IMMEDIATE_EXTENSION = 'x-weft-immediate';

/**
 * Marks writes that are no part of a unit: they can be neither tried nor repeated by a key. For what is about the session itself,
 * whose secret must not be kept.
 */
export const Immediate = (): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(IMMEDIATE, true), ApiExtension(IMMEDIATE_EXTENSION, true));

/** Marks a write whose answer has a secret that is shown once: it is kept nowhere, not for a repetition either. */
export const ShownOnce = (): MethodDecorator => SetMetadata(SHOWN_ONCE, true);

/** Names the query parameters of a write beside dryRun. Any other is refused. */
export const QueryParameters = (...names: readonly string[]): MethodDecorator => SetMetadata(QUERY_PARAMETERS, names);
