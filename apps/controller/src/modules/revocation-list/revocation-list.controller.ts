import { Controller, Get, Res, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { RevocationLists } from '../../pki/revocation-lists.js';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';

@ApiTags('health')
@Controller()
export class RevocationListController {
  constructor(private readonly lists: RevocationLists) {}

  @Get('certificate-revocation-list.crl')
  @ApiOperation({
    operationId: 'readRevocationList',
    summary: 'Which certificates of edges are not to be believed, although they have not ended',
    description:
      'A complete certificate revocation list (RFC 5280 section 5), DER, signed by what issues the certificates of edges. It names serial numbers and times, and nothing else. Edges need it not: they are told in their bundles.',
    security: [],
  })
  @ApiOkResponse({
    description: 'The list; it is to be fetched again within a day.',
    content: { 'application/pkix-crl': { schema: { type: 'string', format: 'binary' } } },
  })
  @ApiProblems(503)
  async readRevocationList(@Res({ passthrough: true }) response: Response): Promise<StreamableFile> {
    const { der } = await this.lists.current();
    response.setHeader('Cache-Control', `public, max-age=${FRESH_SECONDS}`);
    return new StreamableFile(der, { type: 'application/pkix-crl', length: der.length });
  }
}

/** As long as a controller keeps it. */
const FRESH_SECONDS = 60;
