export type SecurityAssociationErrorCode =
  | 'ALGORITHM_NOT_OFFERED'
  | 'ALGORITHM_FORBIDDEN'
  | 'ALGORITHM_UNKNOWN'
  | 'INTEGRITY_REQUIRED'
  | 'INTEGRITY_NOT_ALLOWED'
  | 'KEY_LENGTH'
  | 'KEYING_MATERIAL_LENGTH'
  | 'SPI_RESERVED'
  | 'SPI_IN_USE'
  | 'REPLAY_WINDOW'
  | 'LIFETIME'
  | 'ADDRESS_FAMILY'
  | 'PATH_MTU'
  | 'MODE'
  | 'SELECTOR'
  | 'DSCP';

/** A security association that cannot be made. Nothing was changed. The message never quotes keying material. */
export class SecurityAssociationError extends Error {
  readonly code: SecurityAssociationErrorCode;

  constructor(code: SecurityAssociationErrorCode, message: string) {
    super(message);
    this.name = 'SecurityAssociationError';
    this.code = code;
  }
}

export type PolicyErrorCode =
  | 'ALTERNATIVES'
  | 'CARRIERS_OVERLAP'
  | 'DUPLICATE_CARRIER'
  | 'DUPLICATE_ENTRY'
  | 'EMPTY_CARRIER'
  | 'EMPTY_SELECTOR'
  | 'MALFORMED_IDENTITY'
  | 'MALFORMED_RANGE'
  | 'NAMES_WITHOUT_TUNNEL'
  | 'NO_AUTHORIZATION'
  | 'NO_CREDENTIAL'
  | 'POPULATE_FROM_PACKET'
  | 'PORTS_WITHOUT_PROTOCOL'
  | 'PROTOCOL_OUT_OF_RANGE'
  | 'TOO_MANY_SELECTORS';

/** A policy database that cannot be made. `path` names the value at fault, for example `[3].selector.localPorts[0]`. */
export class PolicyError extends Error {
  readonly code: PolicyErrorCode;
  readonly path: string;

  constructor(code: PolicyErrorCode, path: string, message: string) {
    super(`${path}: ${message}`);
    this.name = 'PolicyError';
    this.code = code;
    this.path = path;
  }
}
