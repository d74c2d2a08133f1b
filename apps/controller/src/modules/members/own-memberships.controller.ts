import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { PageRequest } from '../../platform/database/page-request.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { PageByName } from '../../platform/http/page.js';
import { MembershipList } from './member.dto.js';
import { OwnMemberships } from './own-memberships.js';

@ApiTags('session')
@Controller('api/v1/session/memberships')
export class OwnMembershipsController {
  constructor(private readonly memberships: OwnMemberships) {}

  @Get()
  @ApiOperation({ operationId: 'listMemberships', summary: 'Tenants in which the user has a role, by name' })
  @ApiOkResponse({ standardSchema: MembershipList })
  @ApiProblems(401, 403, 422, 503)
  listMemberships(
    @User() user: CurrentUser,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<MembershipList> {
    return this.memberships.list(user, page);
  }
}
