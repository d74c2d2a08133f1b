/** Names of fields whose value never reaches the log, wherever in the first two levels of a line they stand. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'keyingMaterial',
  'password',
  'privateKey',
  'secret',
  'token',
  '["set-cookie"]',
] as const;

/** Paths for pino's redaction. A net under the rule that no secret is handed to the logger in the first place. */
export const REDACTED_PATHS: readonly string[] = [
  ...SECRET_FIELDS.flatMap((field) => {
    const nested = field.startsWith('[') ? field : `.${field}`;
    return [field, `*${nested}`, `*.*${nested}`];
  }),
  // postgres.js puts a query's arguments on its errors.
  ...['parameters', 'args'].flatMap((field) => [`err.${field}`, `error.${field}`]),
];
