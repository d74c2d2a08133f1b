import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { RevisionNumber } from '../revisions/revision.dto.js';
import { Explanation, ExplanationQuery } from './explanation.dto.js';
import { ExplanationsService } from './explanations.service.js';

const DESCRIPTION =
  'The policy line that decides, the SPD entries at both ends of every tunnel on the way, the parameters of its associations, ' +
  'the encapsulation octet by octet, and the revision and person that made it so.';

@ApiTags('explanations')
@Controller('api/v1/tenants/:tenantId/revisions')
export class ExplanationsController {
  constructor(private readonly explanations: ExplanationsService) {}

  @Get('draft/explanation')
  @ApiOperation({ operationId: 'explainByDraft', summary: 'What would become of a packet', description: DESCRIPTION })
  @ApiOkResponse({ standardSchema: Explanation })
  @ApiProblems(401, 404, 422, 503)
  explainByDraft(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: ExplanationQuery }) query: ExplanationQuery,
  ): Promise<Explanation> {
    return this.explanations.ofDraft(tenantId, query);
  }

  @Get(':number/explanation')
  @ApiOperation({
    operationId: 'explainByRevision',
    summary: 'What becomes of a packet, or became of it',
    description: DESCRIPTION,
  })
  @ApiOkResponse({ standardSchema: Explanation })
  @ApiProblems(401, 404, 422, 503)
  explainByRevision(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('number', { schema: RevisionNumber }) number: number,
    @Query({ schema: ExplanationQuery }) query: ExplanationQuery,
  ): Promise<Explanation> {
    return this.explanations.ofRevision(tenantId, number, query);
  }
}
