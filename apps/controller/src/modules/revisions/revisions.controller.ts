import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { PublicationService } from './publication.service.js';
import {
  Draft,
  Publish,
  PublishResult,
  RevisionDetail,
  RevisionDiffQuery,
  RevisionList,
  RevisionListQuery,
  RevisionNumber,
} from './revision.dto.js';
import { RevisionDiff } from './revision-diff.dto.js';
import { RevisionsService } from './revisions.service.js';

const IF_MATCH = 'ETag of the draft as it was read: then exactly that is published, or nothing.';

@ApiTags('revisions')
@Controller('api/v1/tenants/:tenantId/revisions')
export class RevisionsController {
  constructor(
    private readonly revisions: RevisionsService,
    private readonly publication: PublicationService,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listRevisions', summary: 'Revisions of the tenant, newest first' })
  @ApiOkResponse({ standardSchema: RevisionList })
  @ApiProblems(401, 404, 422, 503)
  listRevisions(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: RevisionListQuery }) query: RevisionListQuery,
  ): Promise<RevisionList> {
    return this.revisions.list(tenantId, query);
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'publishRevision',
    summary: 'Compile and prove the draft and put it in force, or say what would happen',
    description:
      'A draft that fails a proof or a policy test is refused (`proof_failed`), unless the request overrides the proof with a ' +
      'reason and names by If-Match the draft whose findings were seen.',
  })
  @ApiHeader({ name: 'If-Match', required: false, description: IF_MATCH, schema: { type: 'string' } })
  @ApiOkResponse({ standardSchema: PublishResult })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  publishRevision(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: Publish }) body: Publish,
    @Headers('If-Match') ifMatch: string | undefined,
    @User() user: CurrentUser,
  ): Promise<PublishResult> {
    return this.publication.publish(tenantId, user, body, ifMatch);
  }

  @Get('draft')
  @ApiOperation({ operationId: 'readDraft', summary: 'Whether the draft may be published, and what that would change' })
  @ApiOkResponse({
    standardSchema: Draft,
    headers: { ETag: { description: 'The version in quotes, for If-Match.', schema: { type: 'string' } } },
  })
  @ApiProblems(401, 404, 409, 503)
  async readDraft(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Draft> {
    const draft = await this.revisions.draft(tenantId);
    response.setHeader('ETag', `"${draft.version}"`);
    return draft;
  }

  @Get('draft/diff')
  @ApiOperation({ operationId: 'readDraftDiff', summary: 'What the draft would change, in intent and in effect' })
  @ApiOkResponse({ standardSchema: RevisionDiff })
  @ApiProblems(401, 404, 409, 422, 503)
  readDraftDiff(@Param('tenantId', { schema: Identifier }) tenantId: string): Promise<RevisionDiff> {
    return this.revisions.draftDiff(tenantId);
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

  @Get(':number/diff')
  @ApiOperation({ operationId: 'readRevisionDiff', summary: 'What a revision changed, in intent and in effect' })
  @ApiOkResponse({ standardSchema: RevisionDiff })
  @ApiProblems(401, 404, 409, 422, 503)
  readRevisionDiff(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('number', { schema: RevisionNumber }) number: number,
    @Query({ schema: RevisionDiffQuery }) query: RevisionDiffQuery,
  ): Promise<RevisionDiff> {
    return this.revisions.diff(tenantId, number, query.from);
  }

  @Post(':number/restoration')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'restoreRevision',
    summary: 'Put the intent of an earlier revision in force again, as a new one, or say what would happen',
    description:
      'It becomes the draft too: what is in the draft only is lost, and edges that the revision does not have are deleted with ' +
      "their certificates. Today's policy tests are held against it.",
  })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the draft that is lost.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: PublishResult })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  restoreRevision(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('number', { schema: RevisionNumber }) number: number,
    @Body({ schema: Publish }) body: Publish,
    @Headers('If-Match') ifMatch: string | undefined,
    @User() user: CurrentUser,
  ): Promise<PublishResult> {
    return this.publication.restore(tenantId, number, user, body, ifMatch);
  }
}
