import { z } from 'zod';

export const LoginMethods = z
  .object({
    oidc: z
      .object({ displayName: z.string().meta({ description: 'What to call the provider.' }) })
      .nullable()
      .meta({ description: 'The OpenID provider at which users may log in; null when there is none.' }),
  })
  .meta({ id: 'LoginMethods', description: 'How to log in, beside user name and password.' });

export const BeginOidcLogin = z.object({
  next: z
    .string()
    .max(1000)
    .optional()
    .meta({
      description: 'Path of the console to go on at after the login. What is no path is left aside.',
      examples: ['/tunnels'],
    }),
});

export type LoginMethods = z.infer<typeof LoginMethods>;
export type BeginOidcLogin = z.infer<typeof BeginOidcLogin>;
