import { Body, Controller, Get, HttpCode, Param, Post, Query, Res, UseInterceptors } from '@nestjs/common';
import { ApiConsumes, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../platform/http/api-problems.decorator.js';
import { type CurrentUser, User } from '../../platform/http/current-user.decorator.js';
import { Identifier } from '../../platform/http/schemas.js';
import { QueryParameters } from '../../platform/http/writes/write.decorators.js';
import { Configuration, ExportQuery, ImportQuery, ImportResult } from './configuration.dto.js';
import { ConfigurationService } from './configuration.service.js';
import { formatConfiguration } from './configuration-text.js';
import { YamlBodyInterceptor } from './yaml-body.interceptor.js';

const EXPORT =
  'Names are the identity; there are no identifiers, no times and no secrets in it. The same configuration is the same text, to the ' +
  'octet. What is published is not asked: this is the draft that people edit.';
const IMPORT =
  'Makes the tenant what the document says, in one transaction, and answers item by item what that changed; a second time it ' +
  'changes nothing. It is the draft that changes; publish it afterwards. A list that is absent is left as it is. Policies of the ' +
  'document come first, in its order. With prune what a list does not name is removed; an edge goes with its certificates. An ' +
  'external peer keeps its pre-shared key with the word that an export has for it; a new one needs the key itself. As ' +
  'YAML at most 512 KiB, without aliases and tags; as JSON at most 2 MiB.';

@ApiTags('configuration')
@Controller('api/v1/tenants/:tenantId/configuration')
export class ConfigurationController {
  constructor(private readonly configurations: ConfigurationService) {}

  @Get('export')
  @ApiOperation({
    operationId: 'exportConfiguration',
    summary: 'The whole tenant as one document',
    description: EXPORT,
  })
  @ApiProduces('application/json', 'application/yaml')
  @ApiOkResponse({ standardSchema: Configuration })
  @ApiProblems(401, 404, 409, 422, 503)
  async exportConfiguration(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: ExportQuery }) { format }: ExportQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<string> {
    const configuration = await this.configurations.export(tenantId);
    response.type(`application/${format}`);
    return formatConfiguration(configuration, format);
  }

  @Post('import')
  @HttpCode(200)
  @QueryParameters('prune')
  @UseInterceptors(YamlBodyInterceptor)
  @ApiOperation({ operationId: 'importConfiguration', summary: 'Apply a whole document', description: IMPORT })
  @ApiConsumes('application/json', 'application/yaml')
  @ApiOkResponse({ standardSchema: ImportResult })
  @ApiProblems(401, 403, 404, 409, 422, 503)
  importConfiguration(
    @Param('tenantId', { schema: Identifier }) tenantId: string,
    @Query({ schema: ImportQuery }) { prune }: ImportQuery,
    @User() user: CurrentUser,
    @Body({ schema: Configuration }) body: Configuration,
  ): Promise<ImportResult> {
    return this.configurations.import(tenantId, user, body, prune === 'true');
  }
}
