import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { parseConfigurationText } from './configuration-text.js';

/** A body that is YAML arrives as text, and is parsed here: behind the guard, before the schema. */
@Injectable()
export class YamlBodyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    if (typeof request.body === 'string' && request.is('application/yaml') !== false) {
      request.body = parseConfigurationText(request.body, 'yaml');
    }
    return next.handle();
  }
}
