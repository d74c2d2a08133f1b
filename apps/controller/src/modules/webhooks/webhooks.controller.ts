import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { PageByName, PageByTime } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { QueryParameters, ShownOnce } from '../../platform/http/writes/write.decorators.js';
import {
  NewWebhook,
  SecretRenewalQuery,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookInput,
  WebhookList,
} from './webhook.dto.js';
import { WebhooksService } from './webhooks.service.js';

const DELIVERED =
  'Each event is a POST of {type, timestamp, data} in JSON, where data is the FabricEvent, signed as Standard Webhooks 1.0.0 says. Any 2xx ' +
  'is an answer; whatever else is tried again, up to 12 times, with the same webhook-id. 410 disables the webhook. Redirects are not followed.';

@ApiTags('webhooks')
@Controller('api/v1/tenants/:tenantId/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Get()
  @ApiOperation({ operationId: 'listWebhooks', summary: 'Webhooks of the tenant, by name' })
  @ApiOkResponse({ standardSchema: WebhookList })
  @ApiProblems(401, 403, 404, 422, 503)
  listWebhooks(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<WebhookList> {
    return this.webhooks.list(tenantId, page);
  }

  @Post()
  @ShownOnce()
  @ApiOperation({
    operationId: 'createWebhook',
    summary: 'Have events delivered; the secret is shown once',
    description: DELIVERED,
  })
  @ApiCreatedResponse({ standardSchema: NewWebhook, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createWebhook(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @User() user: CurrentUser,
    @Body({ schema: WebhookInput }) body: WebhookInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NewWebhook> {
    return withETag(response, await this.webhooks.create(tenantId, user, body));
  }

  @Get(':webhookId')
  @ApiOperation({ operationId: 'readWebhook', summary: 'One webhook' })
  @ApiOkResponse({ standardSchema: Webhook, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 503)
  async readWebhook(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('webhookId', { schema: Identifier }) webhookId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Webhook> {
    return withETag(response, await this.webhooks.read(tenantId, webhookId));
  }

  @Put(':webhookId')
  @ApiOperation({ operationId: 'replaceWebhook', summary: 'Replace a whole webhook, but for its secret' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the webhook as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: Webhook, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replaceWebhook(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('webhookId', { schema: Identifier }) webhookId: string,
    @User() user: CurrentUser,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: WebhookInput }) body: WebhookInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Webhook> {
    return withETag(response, await this.webhooks.replace(tenantId, user, webhookId, ifMatch, body));
  }

  @Delete(':webhookId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteWebhook', summary: 'Remove a webhook with all that it was sent, or was to be' })
  @MayNameVersion('webhook')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 412, 503)
  deleteWebhook(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('webhookId', { schema: Identifier }) webhookId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @User() user: CurrentUser,
  ): Promise<void> {
    return this.webhooks.remove(tenantId, user, webhookId, ifMatch);
  }

  @Post(':webhookId/secret')
  @HttpCode(200)
  @QueryParameters('overlapHours')
  @ShownOnce()
  @ApiOperation({
    operationId: 'renewWebhookSecret',
    summary: 'Sign with another secret from now on; it is shown once',
    description:
      'The secret that there was signs as well for a while (overlapHours): webhook-signature has both signatures then, and a receiver ' +
      'takes a delivery of which one is good. Of three secrets the oldest ends at once.',
  })
  @MayNameVersion('webhook')
  @ApiOkResponse({ standardSchema: NewWebhook, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 503)
  async renewWebhookSecret(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('webhookId', { schema: Identifier }) webhookId: string,
    @Query({ schema: SecretRenewalQuery }) { overlapHours }: SecretRenewalQuery,
    @Headers('If-Match') ifMatch: string | undefined,
    @User() user: CurrentUser,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NewWebhook> {
    return withETag(response, await this.webhooks.renewSecret(tenantId, user, webhookId, { overlapHours, ifMatch }));
  }

  @Post(':webhookId/test')
  @HttpCode(202)
  @ApiOperation({ operationId: 'testWebhook', summary: 'Deliver a webhook.test, which is about nothing' })
  @ApiAcceptedResponse({ standardSchema: WebhookDelivery })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  testWebhook(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('webhookId', { schema: Identifier }) webhookId: string,
  ): Promise<WebhookDelivery> {
    return this.webhooks.test(tenantId, webhookId);
  }

  @Get(':webhookId/deliveries')
  @ApiOperation({ operationId: 'listWebhookDeliveries', summary: 'What was delivered, and what was not, newest first' })
  @ApiOkResponse({ standardSchema: WebhookDeliveryList })
  @ApiProblems(401, 403, 404, 422, 503)
  listWebhookDeliveries(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('webhookId', { schema: Identifier }) webhookId: string,
    @Query({ schema: PageByTime }) page: PageRequest,
  ): Promise<WebhookDeliveryList> {
    return this.webhooks.deliveries(tenantId, webhookId, page);
  }

  @Post(':webhookId/deliveries/:deliveryId/redeliver')
  @HttpCode(202)
  @ApiOperation({ operationId: 'redeliverWebhook', summary: 'Deliver again, whatever came of it' })
  @ApiAcceptedResponse({ standardSchema: WebhookDelivery })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  redeliverWebhook(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('webhookId', { schema: Identifier }) webhookId: string,
    @Param('deliveryId', { schema: Identifier }) deliveryId: string,
  ): Promise<WebhookDelivery> {
    return this.webhooks.redeliver(tenantId, webhookId, deliveryId);
  }
}
