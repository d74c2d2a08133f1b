import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { MembershipList } from './member.dto.js';
import { OwnMemberships } from './own-memberships.js';

@ApiTags('session')
@Controller('api/v1/session/memberships')
export class OwnMembershipsController {
  constructor(private readonly memberships: OwnMemberships) {}

  @Get()
  @ApiOperation({ operationId: 'listMemberships', summary: 'Tenants in which the user has a role, by name' })
  @ApiOkResponse({ standardSchema: MembershipList })
  @ApiProblems(401, 403, 503)
  async listMemberships(@User() user: CurrentUser): Promise<MembershipList> {
    return { items: await this.memberships.list(user) };
  }
}
