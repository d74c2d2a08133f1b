import { Body, Controller, Delete, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { Approval, ApproveDraft } from './approval.dto.js';
import { ApprovalsService } from './approvals.service.js';

@ApiTags('revisions')
@Controller('api/v1/tenants/:tenantId/revisions/draft/approvals')
export class ApprovalsController {
  constructor(private readonly approvals: ApprovalsService) {}

  @Post()
  @ApiOperation({
    operationId: 'approveDraft',
    summary: 'Approve exactly this draft, or that an earlier revision is in force again, for somebody else to publish',
    description:
      'For whoever has not changed the draft since the last revision. It holds for this content alone and is void with any change of ' +
      'the draft, and when the role of the approver changes. Who approves does not publish: the revision says both.',
  })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the draft that was seen.',
    schema: { type: 'string' },
  })
  @ApiCreatedResponse({ standardSchema: Approval })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  approveDraft(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: ApproveDraft }) body: ApproveDraft,
    @Headers('If-Match') ifMatch: string | undefined,
    @User() user: CurrentUser,
  ): Promise<Approval> {
    return this.approvals.approve(tenantId, user, body, ifMatch);
  }

  @Delete(':approvalId')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'withdrawApproval',
    summary: 'Take back an approval of your own that nothing has come of',
    description:
      'Of what is published already nothing is taken back. To end what somebody else has approved, change the draft.',
  })
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 503)
  withdrawApproval(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('approvalId', { schema: Identifier }) approvalId: string,
    @User() user: CurrentUser,
  ): Promise<void> {
    return this.approvals.withdraw(tenantId, user, approvalId);
  }
}
