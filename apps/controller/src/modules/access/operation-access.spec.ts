import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { REST_CONTROLLERS } from '../../openapi/controllers.js';
import { createOpenApiDocument } from '../../openapi/document.js';
import { OpenApiController } from '../../openapi/openapi.controller.js';
import { OPERATION_ACCESS } from './operation-access.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const document = await createOpenApiDocument();
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method];
    return operation === undefined ? [] : [{ path, method, id: operation.operationId ?? '' }];
  }),
);

describe('OPERATION_ACCESS', () => {
  it('has a row for each operation of the OpenAPI document: whoever adds one says who may ask for it', () => {
    const without = operations.filter(({ id }) => OPERATION_ACCESS[id] === undefined);
    expect(without.map(({ id, method, path }) => `${id} (${method} ${path}) has no row`)).toEqual([]);
  });

  it('has a row for nothing else', () => {
    const known = new Set([...operations.map(({ id }) => id), 'readOpenApiDocument']);
    expect(Object.keys(OPERATION_ACCESS).filter((id) => !known.has(id))).toEqual([]);
  });

  it('asks for a role in the tenant exactly where the path names one', () => {
    const wrong = operations.filter(
      ({ id, path }) => (OPERATION_ACCESS[id]?.to === 'tenant') !== path.includes('{tenantId}'),
    );
    expect(wrong).toEqual([]);
  });

  it('lets a viewer do nothing but read, and whoever is not logged in nothing but that and log in', () => {
    const writes = operations.filter(({ method }) => method !== 'get');
    const asViewer = writes.filter(({ id }) => {
      const access = OPERATION_ACCESS[id];
      return access?.to === 'tenant' && access.least === 'viewer';
    });
    // Own tokens, which do no more than that.
    expect(asViewer.map(({ id }) => id)).toEqual(['createApiToken', 'revokeApiToken']);
    expect(writes.filter(({ id }) => OPERATION_ACCESS[id]?.to === 'everybody').map(({ id }) => id)).toEqual([
      'createSession',
    ]);
  });

  it('is asked by the names of handlers, which are those of their operations', () => {
    const handlers = [...REST_CONTROLLERS, OpenApiController].flatMap((controller) => {
      const prototype = controller.prototype as Record<string, unknown>;
      return Object.getOwnPropertyNames(prototype).filter(
        (name) => name !== 'constructor' && Reflect.hasMetadata('path', prototype[name] as object),
      );
    });
    expect(handlers.sort()).toEqual([...operations.map(({ id }) => id), 'readOpenApiDocument'].sort());
  });
});
