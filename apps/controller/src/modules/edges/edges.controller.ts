import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { Identifier } from '../../platform/http/schemas.js';
import { ETAG_HEADER, MayNameVersion, withETag } from '../../platform/http/version-etag.js';
import { ShownOnce } from '../../platform/http/writes/write.decorators.js';
import { CreateEdge, Edge, EdgeList, EnrollmentToken, RevokeEdge, UpdateEdge } from './edge.dto.js';
import { EdgesService } from './edges.service.js';

@ApiTags('edges')
@Controller('api/v1/tenants/:tenantId/edges')
export class EdgesController {
  constructor(private readonly edges: EdgesService) {}

  @Get()
  @ApiOperation({ operationId: 'listEdges', summary: 'Edges of the tenant with what is known of them now, by name' })
  @ApiOkResponse({ standardSchema: EdgeList })
  @ApiProblems(401, 404, 422, 503)
  listEdges(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<EdgeList> {
    return this.edges.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createEdge', summary: 'Make an edge; it enrolls later with a token' })
  @ApiCreatedResponse({ standardSchema: Edge, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createEdge(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: CreateEdge }) body: CreateEdge,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Edge> {
    return withETag(response, await this.edges.create(tenantId, body));
  }

  @Get(':edgeId')
  @ApiOperation({ operationId: 'readEdge', summary: 'One edge' })
  @ApiOkResponse({ standardSchema: Edge, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readEdge(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('edgeId', { schema: Identifier }) edgeId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Edge> {
    return withETag(response, await this.edges.read(tenantId, edgeId));
  }

  @Patch(':edgeId')
  @ApiOperation({ operationId: 'updateEdge', summary: 'Change an edge; in force with the next revision' })
  @MayNameVersion('edge')
  @ApiOkResponse({ standardSchema: Edge, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 503)
  async updateEdge(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('edgeId', { schema: Identifier }) edgeId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: UpdateEdge }) body: UpdateEdge,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Edge> {
    return withETag(response, await this.edges.update(tenantId, edgeId, ifMatch, body));
  }

  @Delete(':edgeId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteEdge', summary: 'Remove an edge; its identity is refused from then on' })
  @MayNameVersion('edge')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 412, 503)
  deleteEdge(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('edgeId', { schema: Identifier }) edgeId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.edges.remove(tenantId, edgeId, ifMatch);
  }

  @Post(':edgeId/revocation')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'revokeEdge',
    summary: 'Refuse the identity of an edge from now on, and have all others drop it; at once, without a revision',
  })
  @MayNameVersion('edge')
  @ApiOkResponse({ standardSchema: Edge, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 412, 422, 503)
  async revokeEdge(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('edgeId', { schema: Identifier }) edgeId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: RevokeEdge }) body: RevokeEdge,
    @User() user: CurrentUser,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Edge> {
    return withETag(response, await this.edges.revoke({ tenantId, edgeId }, ifMatch, user, body));
  }

  @Post(':edgeId/enrollment-tokens')
  @ShownOnce()
  @ApiOperation({ operationId: 'createEnrollmentToken', summary: 'Make a one-time enrollment token; it is shown once' })
  @ApiCreatedResponse({ standardSchema: EnrollmentToken })
  @ApiProblems(401, 403, 404, 503)
  createEnrollmentToken(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('edgeId', { schema: Identifier }) edgeId: string,
  ): Promise<EnrollmentToken> {
    return this.edges.createEnrollmentToken(tenantId, edgeId);
  }
}
