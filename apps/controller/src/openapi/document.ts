import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { EventStreamEnd, EventStreamGap, FabricEvent } from '../modules/events/fabric-event.dto.js';
import { Problem, ProblemEntry } from '../platform/http/schemas.js';
import { REST_CONTROLLERS } from './controllers.js';
import { withExamples } from './examples.js';
import { withWriteParameters } from './write-parameters.js';

/** Version of the REST contract, not of the product. */
const API_VERSION = '1.0.0';

/**
 * The OpenAPI 3.1 document of the REST API, from the decorators of the controllers alone: no database, no port, no key is needed.
 * Every provider of a controller is replaced by an empty object, because nothing is called.
 */
export async function createOpenApiDocument(): Promise<OpenAPIObject> {
  const dependencies = new Set(REST_CONTROLLERS.flatMap(constructorParameters));
  @Module({
    controllers: [...REST_CONTROLLERS],
    providers: [...dependencies].map((provide) => ({ provide, useValue: {} })),
  })
  class DocumentedModule {}
  const application = await NestFactory.create(DocumentedModule, { logger: false });
  try {
    const document = withFurtherSchemas(SwaggerModule.createDocument(application, documentConfig()));
    return withExamples(withWriteParameters(document));
  } finally {
    await application.close();
  }
}

/** The document as it is committed: stable order, a line feed at the end. */
export async function openApiText(): Promise<string> {
  return `${JSON.stringify(await createOpenApiDocument(), orderParameterKeys, 2)}\n`;
}

/** Nest merges the decorators of a parameter in place, so that a second document has them in another order. */
function orderParameterKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('in' in value && 'name' in value)) return value;
  const { name, in: place, required, description, ...rest } = value as Record<string, unknown>;
  return { name, in: place, required, description, ...rest };
}

function constructorParameters(controller: Type): Type[] {
  return (Reflect.getMetadata('design:paramtypes', controller) ?? []) as Type[];
}

function documentConfig(): Omit<OpenAPIObject, 'paths'> {
  return new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Weft')
    .setDescription('Controller of a managed, multi-site IPsec fabric. Errors are problem details (RFC 9457).')
    .setVersion(API_VERSION)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addCookieAuth('weft_session', { type: 'apiKey', in: 'cookie', name: 'weft_session' }, 'session')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API token.' }, 'api-token')
    .addSecurityRequirements('session')
    .addSecurityRequirements('api-token')
    .build();
}

/**
 * Adds the schemas that no decorator can: of problem details, which a filter answers with, and of the data in a stream, which the
 * document calls a text.
 */
function withFurtherSchemas(document: OpenAPIObject): OpenAPIObject {
  const schemas = { ...document.components?.schemas, ...furtherSchemas() };
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([left], [right]) => (left < right ? -1 : 1)));
  return { ...document, components: { ...document.components, schemas: sorted } };
}

function furtherSchemas(): Record<string, Record<string, unknown>> {
  const registry = z.registry<{ id: string }>();
  registry.add(Problem, { id: 'Problem' });
  registry.add(ProblemEntry, { id: 'ProblemEntry' });
  registry.add(FabricEvent, { id: 'FabricEvent' });
  registry.add(EventStreamGap, { id: 'EventStreamGap' });
  registry.add(EventStreamEnd, { id: 'EventStreamEnd' });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, schema]),
  );
}
