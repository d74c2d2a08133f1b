import type { OpenAPIObject } from '@nestjs/swagger';
import { IMMEDIATE_EXTENSION } from '../platform/http/writes/write.decorators.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['post']>;

/** Says of every write what the interceptor does for all of them: no decorator of a handler describes an interceptor. */
export function withWriteParameters(document: OpenAPIObject): OpenAPIObject {
  const paths = Object.entries(document.paths).map(([path, item]) => [path, withParameters(item)]);
  return { ...document, paths: Object.fromEntries(paths) };
}

function withParameters(item: PathItem): PathItem {
  const methods = Object.entries(item).map(([method, operation]) => [
    method,
    described(method, operation as Operation),
  ]);
  return Object.fromEntries(methods);
}

function described(method: string, operation: Operation): Operation {
  const { [IMMEDIATE_EXTENSION]: immediate, ...rest } = operation as Operation & Record<string, unknown>;
  if (immediate === true || !WRITES.has(method)) return rest as Operation;
  const added = method === 'post' ? [DRY_RUN, IDEMPOTENCY_KEY] : [DRY_RUN];
  const { parameters = [] } = rest as Operation;
  const own = parameters.filter((parameter) => !('name' in parameter && parameter.name === DRY_RUN.name));
  return { ...(rest as Operation), parameters: [...own, ...added] };
}

const WRITES: ReadonlySet<string> = new Set(['post', 'put', 'patch', 'delete']);

const DRY_RUN = {
  name: 'dryRun',
  in: 'query' as const,
  required: false,
  description:
    'true: everything is done and undone again. The answer is what it would be, with the header Weft-Dry-Run.',
  schema: { type: 'boolean' as const, default: false },
};

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'A random UUID in quotes (draft-ietf-httpapi-idempotency-key-header). The same request with the same key is carried out once, ' +
    'and answered again as it was, with the header Idempotency-Replayed; another request with that key is refused (422), and one ' +
    'that comes while the first is being carried out, too (409). Keys are kept for 24 hours, the newest 1,000 of each user in each ' +
    'tenant; what was refused is not kept, as it has changed nothing. An answer with a secret that is shown once is not kept: the ' +
    'second time it is refused with answer_not_kept (409).',
  schema: { type: 'string' as const, examples: ['"8e03978e-40d5-43e8-bc93-6894a57f9324"'] },
};
