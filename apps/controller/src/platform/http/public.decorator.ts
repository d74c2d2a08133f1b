import { type CustomDecorator, SetMetadata } from '@nestjs/common';

export const PUBLIC = 'weft:public';

/** Marks a handler that needs no login. */
export const Public = (): CustomDecorator => SetMetadata(PUBLIC, true);
