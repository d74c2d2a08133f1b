import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { openApiText } from './document.js';

/** Serves the document that `packages/contracts/openapi.json` is a copy of. */
@ApiExcludeController()
@Controller('api/v1/openapi.json')
export class OpenApiController {
  #text: Promise<string> | undefined;

  @Get()
  @Header('Content-Type', 'application/json; charset=utf-8')
  readOpenApiDocument(): Promise<string> {
    this.#text ??= openApiText();
    return this.#text;
  }
}
