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
import {
  CreateExternalPeer,
  ExternalPeer,
  ExternalPeerImport,
  ExternalPeerImportResult,
  ExternalPeerList,
  ExternalPeerSnippet,
  ReplaceExternalPeer,
  SnippetQuery,
} from './external-peer.dto.js';
import { ExternalPeersService } from './external-peers.service.js';

const IMPORT =
  'Makes an external peer of each connection, for the edge of one site, or refuses the whole text: errors name line, column and key of ' +
  'what external peers cannot have, and what to do about it. What concerns the gateway alone is listed in the answer.';

@ApiTags('external peers')
@Controller('api/v1/tenants/:tenantId/external-peers')
export class ExternalPeersController {
  constructor(private readonly peers: ExternalPeersService) {}

  @Get()
  @ApiOperation({ operationId: 'listExternalPeers', summary: 'External peers of the tenant, by name' })
  @ApiOkResponse({ standardSchema: ExternalPeerList })
  @ApiProblems(401, 404, 422, 503)
  listExternalPeers(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: PageByName }) page: PageRequest,
  ): Promise<ExternalPeerList> {
    return this.peers.list(tenantId, page);
  }

  @Post()
  @ApiOperation({ operationId: 'createExternalPeer', summary: 'Describe an external peer' })
  @ApiCreatedResponse({ standardSchema: ExternalPeer, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  async createExternalPeer(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: CreateExternalPeer }) body: CreateExternalPeer,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ExternalPeer> {
    return withETag(response, await this.peers.create(tenantId, body));
  }

  @Post('import')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'importExternalPeers',
    summary: 'Make external peers of the swanctl.conf of a gateway',
    description: IMPORT,
  })
  @ApiOkResponse({ standardSchema: ExternalPeerImportResult })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  importExternalPeers(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Body({ schema: ExternalPeerImport }) body: ExternalPeerImport,
  ): Promise<ExternalPeerImportResult> {
    return this.peers.import(tenantId, body);
  }

  @Get(':externalPeerId')
  @ApiOperation({ operationId: 'readExternalPeer', summary: 'One external peer' })
  @ApiOkResponse({ standardSchema: ExternalPeer, headers: ETAG_HEADER })
  @ApiProblems(401, 404, 503)
  async readExternalPeer(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('externalPeerId', { schema: Identifier }) externalPeerId: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ExternalPeer> {
    return withETag(response, await this.peers.read(tenantId, externalPeerId));
  }

  @Get(':externalPeerId/snippet')
  @ApiOperation({
    operationId: 'readExternalPeerSnippet',
    summary: 'Configuration for the gateway, by the draft; without the key',
  })
  @ApiOkResponse({ standardSchema: ExternalPeerSnippet })
  @ApiProblems(401, 404, 409, 422, 503)
  readExternalPeerSnippet(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('externalPeerId', { schema: Identifier }) externalPeerId: string,
    @Query({ schema: SnippetQuery }) { format }: SnippetQuery,
  ): Promise<ExternalPeerSnippet> {
    return this.peers.snippet(tenantId, externalPeerId, format);
  }

  @Put(':externalPeerId')
  @ApiOperation({
    operationId: 'replaceExternalPeer',
    summary: 'Replace a whole external peer; without a key it keeps its key',
  })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'ETag of the external peer as it was read.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({ standardSchema: ExternalPeer, headers: ETAG_HEADER })
  @ApiProblems(401, 403, 404, 409, 412, 422, 428, 503)
  async replaceExternalPeer(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('externalPeerId', { schema: Identifier }) externalPeerId: string,
    @Headers('If-Match') ifMatch: string | undefined,
    @Body({ schema: ReplaceExternalPeer }) body: ReplaceExternalPeer,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ExternalPeer> {
    return withETag(response, await this.peers.replace(tenantId, externalPeerId, ifMatch, body));
  }

  @Delete(':externalPeerId')
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteExternalPeer', summary: 'Remove an external peer that no rule names' })
  @MayNameVersion('external peer')
  @ApiNoContentResponse()
  @ApiProblems(401, 403, 404, 409, 412, 503)
  deleteExternalPeer(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Param('externalPeerId', { schema: Identifier }) externalPeerId: string,
    @Headers('If-Match') ifMatch: string | undefined,
  ): Promise<void> {
    return this.peers.remove(tenantId, externalPeerId, ifMatch);
  }
}
