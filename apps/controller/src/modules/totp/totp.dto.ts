import { z } from 'zod';
import { Timestamp } from '../../platform/http/schemas.js';

/** Room for a recovery code and however somebody groups it. */
const CODE_MAXIMUM = 40;

export const SecondFactorCode = z.string().min(1).max(CODE_MAXIMUM).meta({
  description: 'Six digits of the authenticator, or one of the recovery codes. Each is good once.',
});

const CurrentPassword = z.string().min(1).max(1024);

export const Totp = z
  .object({
    confirmedAt: Timestamp.nullable().meta({
      description: 'Since when a code is asked for at login; null: none is.',
    }),
    recoveryCodesLeft: z.int().min(0),
  })
  .meta({ id: 'Totp', description: 'The second factor of the user. Its secret is never shown again.' });

export const EnrollTotp = z.strictObject({ currentPassword: CurrentPassword }).meta({ id: 'EnrollTotp' });

export const NewTotp = z
  .object({
    secret: z.string().meta({ description: 'For typing into an authenticator: base 32 (RFC 4648). Shown this once.' }),
    uri: z.string().meta({ description: 'The same for authenticators that take an otpauth URI.' }),
  })
  .meta({ id: 'NewTotp' });

export const ConfirmTotp = z
  .strictObject({
    code: z.string().min(1).max(CODE_MAXIMUM).meta({ description: 'What the authenticator shows now.' }),
  })
  .meta({ id: 'ConfirmTotp' });

export const RecoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()) })
  .meta({ id: 'RecoveryCodes', description: 'Each lets the user in once without the authenticator. Shown this once.' });

export const RemoveTotp = z
  .strictObject({ currentPassword: CurrentPassword, code: SecondFactorCode })
  .meta({ id: 'RemoveTotp' });

export type Totp = z.infer<typeof Totp>;
export type EnrollTotp = z.infer<typeof EnrollTotp>;
export type NewTotp = z.infer<typeof NewTotp>;
export type ConfirmTotp = z.infer<typeof ConfirmTotp>;
export type RecoveryCodes = z.infer<typeof RecoveryCodes>;
export type RemoveTotp = z.infer<typeof RemoveTotp>;
