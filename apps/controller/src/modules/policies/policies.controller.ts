import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
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
import { wholePage } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { PoliciesService } from './policies.service.js';
import { CurrentPolicyOrder, Policy, PolicyInput, PolicyList, PolicyOrder, PolicyPage } from './policy.dto.js';

@ApiTags('policies')
@Controller('api/v1/tenants/:tenantId/policies')
export class PoliciesController {
  constructor(private readonly policies: PoliciesService) {}

  @Get()
  @ApiOperation({ operationId: 'listPolicies', summary: 'Policies of the tenant, in order' })
  @ApiOkResponse({ standardSchema: PolicyList })
  @ApiProblems(401, 404, 422, 503)
  listPolicies(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PolicyPage }) page: PageRequest,
  ): Promise<PolicyList> {
    return this.policies.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createPolicy', summary: 'Make a policy, behind the others' })
  @ApiCreatedResponse({ standardSchema: Policy, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createPolicy(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: PolicyInput }) body: PolicyInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Policy> {
    return withETag(response, await this.policies.create(tenantId, body));
  }

  @Get('order')
  @ApiOperation({ operationId: 'readPolicyOrder', summary: 'The order of the policies' })
  @ApiOkResponse({ standardSchema: CurrentPolicyOrder, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readPolicyOrder(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<CurrentPolicyOrder> {
    return withETag(response, await this.policies.readOrder(tenantId));
  }

  @Put('order')
  @ApiOperation({ operationId: 'orderPolicies', summary: 'Put the policies in order' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the order as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: PolicyList, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async orderPolicies(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: PolicyOrder }) body: PolicyOrder,
    @Res({ passthrough: true }) response: Response,
  ): Promise<PolicyList> {
    const { policies, order } = await this.policies.order(tenantId, ifMatch, body.policyIds);
    withETag(response, order);
    return wholePage(policies);
  }

  @Get(':policyId')
  @ApiOperation({ operationId: 'readPolicy', summary: 'One policy' })
  @ApiOkResponse({ standardSchema: Policy, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readPolicy(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('policyId', { schema: Identifier }) policyId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Policy> {
    return withETag(response, await this.policies.read(tenantId, policyId));
  }

  @Put(':policyId')
  @ApiOperation({ operationId: 'replacePolicy', summary: 'Replace a whole policy' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the policy as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: Policy, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replacePolicy(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('policyId', { schema: Identifier }) policyId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: PolicyInput }) body: PolicyInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Policy> {
    return withETag(response, await this.policies.replace(tenantId, policyId, ifMatch, body));
  }

  @Delete(':policyId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deletePolicy', summary: 'Remove a policy' })
  @MayNameVersion('policy')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 412, 503)
  deletePolicy(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('policyId', { schema: Identifier }) policyId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.policies.remove(tenantId, policyId, ifMatch);
  }
}
