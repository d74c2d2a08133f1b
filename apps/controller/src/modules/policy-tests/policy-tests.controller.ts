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
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { PolicyTest, PolicyTestInput, PolicyTestList } from './policy-test.dto.js';
import { PolicyTestsService } from './policy-tests.service.js';

@ApiTags('policy tests')
@Controller('api/v1/tenants/:tenantId/policy-tests')
export class PolicyTestsController {
  constructor(private readonly tests: PolicyTestsService) {}

  @Get()
  @ApiOperation({ operationId: 'listPolicyTests', summary: 'Policy tests of the tenant, by name' })
  @ApiOkResponse({ standardSchema: PolicyTestList })
  @ApiProblems(401, 404, 422, 503)
  listPolicyTests(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<PolicyTestList> {
    return this.tests.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createPolicyTest', summary: 'Make a policy test' })
  @ApiCreatedResponse({ standardSchema: PolicyTest, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createPolicyTest(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: PolicyTestInput }) body: PolicyTestInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<PolicyTest> {
    return withETag(response, await this.tests.create(tenantId, body));
  }

  @Get(':policyTestId')
  @ApiOperation({ operationId: 'readPolicyTest', summary: 'One policy test' })
  @ApiOkResponse({ standardSchema: PolicyTest, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readPolicyTest(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('policyTestId', { schema: Identifier }) policyTestId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<PolicyTest> {
    return withETag(response, await this.tests.read(tenantId, policyTestId));
  }

  @Put(':policyTestId')
  @ApiOperation({ operationId: 'replacePolicyTest', summary: 'Replace a whole policy test' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the policy test as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: PolicyTest, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replacePolicyTest(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('policyTestId', { schema: Identifier }) policyTestId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: PolicyTestInput }) body: PolicyTestInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<PolicyTest> {
    return withETag(response, await this.tests.replace(tenantId, policyTestId, ifMatch, body));
  }

  @Delete(':policyTestId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deletePolicyTest', summary: 'Remove a policy test' })
  @MayNameVersion('policy test')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 412, 503)
  deletePolicyTest(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('policyTestId', { schema: Identifier }) policyTestId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.tests.remove(tenantId, policyTestId, ifMatch);
  }
}
