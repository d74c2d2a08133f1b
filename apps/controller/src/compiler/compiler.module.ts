import { Global, Module } from '@nestjs/common';
import { Compiler } from './compiler.js';

/** The compiler, for both halves of the controller. */
@Global()
@Module({ providers: [Compiler], exports: [Compiler] })
export class CompilerModule {}
