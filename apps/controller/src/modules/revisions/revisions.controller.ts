import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import {
  Draft,
  Publish,
  PublishResult,
  RevisionDetail,
  RevisionList,
  RevisionListQuery,
  RevisionNumber,
} from './revision.dto.js';
import { RevisionsService } from './revisions.service.js';

@ApiTags('revisions')
@Controller('api/v1/tenants/:tenantId/revisions')
export class RevisionsController {
  constructor(private readonly revisions: RevisionsService) {}

  @Get()
  @ApiOperation({ operationId: 'listRevisions', summary: 'Revisions of the tenant, newest first' })
  @ApiOkResponse({ standardSchema: RevisionList })
  @ApiProblems(401, 404, 422, 503)
  async listRevisions(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: RevisionListQuery }) query: RevisionListQuery,
  ): Promise<RevisionList> {
    return { items: await this.revisions.list(tenantId, query) };
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'publishRevision',
    summary: 'Compile the draft and put it in force, or say what would happen',
  })
  @ApiOkResponse({ standardSchema: PublishResult })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  publishRevision(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: Publish }) body: Publish,
    @User() user: CurrentUser,
  ): Promise<PublishResult> {
    return this.revisions.publish(tenantId, user, body);
  }

  @Get('draft')
  @ApiOperation({ operationId: 'readDraft', summary: 'What the next revision would change' })
  @ApiOkResponse({ standardSchema: Draft })
  @ApiProblems(401, 404, 503)
  readDraft(@Param('tenantId', { schema: Identifier }) tenantId: string): Promise<Draft> {
    return this.revisions.draft(tenantId);
  }

  @Get(':number')
  @ApiOperation({ operationId: 'readRevision', summary: 'One revision, with where it is applied' })
  @ApiOkResponse({ standardSchema: RevisionDetail })
  @ApiProblems(401, 404, 503)
  readRevision(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('number', { schema: RevisionNumber }) number: number,
  ): Promise<RevisionDetail> {
    return this.revisions.read(tenantId, number);
  }
}
