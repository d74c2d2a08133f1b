import { z } from 'zod';

export const Liveness = z.object({ status: z.literal('alive') }).meta({ id: 'Liveness' });
export const Readiness = z.object({ status: z.literal('ready') }).meta({ id: 'Readiness' });

export type Liveness = z.infer<typeof Liveness>;
export type Readiness = z.infer<typeof Readiness>;
