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
import { Profile, ProfileInput, ProfileList } from './profile.dto.js';
import { ProfilesService } from './profiles.service.js';

@ApiTags('profiles')
@Controller('api/v1/tenants/:tenantId/profiles')
export class ProfilesController {
  constructor(private readonly profiles: ProfilesService) {}

  @Get()
  @ApiOperation({ operationId: 'listProfiles', summary: 'Profiles of the tenant, by name' })
  @ApiOkResponse({ standardSchema: ProfileList })
  @ApiProblems(401, 404, 422, 503)
  listProfiles(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<ProfileList> {
    return this.profiles.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createProfile', summary: 'Make a profile' })
  @ApiCreatedResponse({ standardSchema: Profile, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createProfile(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: ProfileInput }) body: ProfileInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Profile> {
    return withETag(response, await this.profiles.create(tenantId, body));
  }

  @Get(':profileId')
  @ApiOperation({ operationId: 'readProfile', summary: 'One profile' })
  @ApiOkResponse({ standardSchema: Profile, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readProfile(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('profileId', { schema: Identifier }) profileId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Profile> {
    return withETag(response, await this.profiles.read(tenantId, profileId));
  }

  @Put(':profileId')
  @ApiOperation({ operationId: 'replaceProfile', summary: 'Replace a whole profile' })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the profile as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: Profile, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replaceProfile(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('profileId', { schema: Identifier }) profileId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: ProfileInput }) body: ProfileInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Profile> {
    return withETag(response, await this.profiles.replace(tenantId, profileId, ifMatch, body));
  }

  @Delete(':profileId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteProfile', summary: 'Remove a profile that no rule names' })
  @MayNameVersion('profile')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteProfile(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('profileId', { schema: Identifier }) profileId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.profiles.remove(tenantId, profileId, ifMatch);
  }
}
