import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../platform/http/public.decorator.js';
import { openApiText } from './document.js';

/** Serves the document that `packages/contracts/openapi.json` is a copy of. */
@ApiExcludeController()
@Controller('api/v1/openapi.json')
export class OpenApiController {
  #text: Promise<string> | undefined;

  @Get()
  @Public()
  @Header('Content-Type', 'application/json; charset=utf-8')
  readDocument(): Promise<string> {
    this.#text ??= openApiText();
    return this.#text;
  }
}
