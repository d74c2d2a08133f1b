import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { DomainError } from './domain-error.js';
import { problemEntries } from './schema-issues.js';

/** Parses what a handler is given by the schema in its decorator; refuses what the schema refuses. */
@Injectable()
export class SchemaPipe implements PipeTransform {
  transform(value: unknown, { schema, type, data }: ArgumentMetadata): unknown {
    if (schema === undefined || type === 'custom') return value;
    const result = (schema as z.ZodType).safeParse(value);
    if (result.success) return result.data;
    // A malformed name names nothing.
    if (type === 'param') throw malformedName(data ?? 'path', String(value));
    const { issues } = result.error;
    const entries = problemEntries(issues, value).map((entry) =>
      type === 'query' ? { ...entry, pointer: `?${entry.pointer.slice(1)}` } : entry,
    );
    const count = entries.length === 1 ? 'One value breaks its rule' : `${entries.length} values break their rules`;
    throw new DomainError('invalid', 'invalid_request', `${count}; see errors.`, entries);
  }
}

function malformedName(parameter: string, value: string): DomainError {
  const detail = `There is nothing here: "${value.slice(0, MAX_QUOTED)}" is no ${parameter}.`;
  return new DomainError('not_found', 'malformed_name', detail);
}

const MAX_QUOTED = 100;
