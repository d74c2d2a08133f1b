import type { Role } from '../../platform/http/role.js';

/** Who may ask for an operation. */
export type OperationAccess =
  /** Also who is not logged in. */
  | { readonly to: 'everybody' }
  /** Whoever is logged in: it concerns nobody but them. */
  | ({ readonly to: 'user' } & By)
  /** Who has at least this role in the tenant of the path. */
  | ({ readonly to: 'tenant'; readonly least: Role } & By)
  /** Who has at least this role in the whole installation. */
  | ({ readonly to: 'provider'; readonly least: Role } & By);

interface By {
  /** Whether it takes a session: no token does what would outlive it, or makes another. */
  readonly inPerson?: true;
}

const inPerson = <T extends OperationAccess>(access: T) => ({ ...access, inPerson: true }) as const;

const everybody: OperationAccess = { to: 'everybody' };
const user: OperationAccess = { to: 'user' };
const viewer: OperationAccess = { to: 'tenant', least: 'viewer' };
const operator: OperationAccess = { to: 'tenant', least: 'operator' };
const approver: OperationAccess = { to: 'tenant', least: 'approver' };
const admin: OperationAccess = { to: 'tenant', least: 'admin' };
const providerAdmin: OperationAccess = { to: 'provider', least: 'admin' };

/**
 * Every operation of the REST API by its name. An operation without a row is refused to everybody. Viewers read; operators change
 * the draft, and enroll and revoke edges; approvers put drafts in force; admins say who may what and how the fabric works.
 */
export const OPERATION_ACCESS: Readonly<Record<string, OperationAccess>> = {
  readOpenApiDocument: everybody,
  readLiveness: everybody,
  readReadiness: everybody,
  readRevocationList: everybody,

  readLoginMethods: everybody,
  beginOidcLogin: everybody,
  completeOidcLogin: everybody,
  createSession: everybody,
  readSession: user,
  deleteSession: inPerson(user),
  enterTenant: inPerson(user),
  listMemberships: inPerson(user),
  listOwnInvitations: inPerson(user),
  acceptInvitation: inPerson(user),
  declineInvitation: inPerson(user),
  changePassword: inPerson(user),
  listSessions: inPerson(user),
  endSession: inPerson(user),
  readTotp: inPerson(user),
  enrollTotp: inPerson(user),
  confirmTotp: inPerson(user),
  removeTotp: inPerson(user),

  listTenants: user,
  createTenant: inPerson(providerAdmin),
  readTenant: viewer,
  updateTenant: admin,

  listUsers: admin,
  createUser: inPerson(admin),
  readUser: admin,
  updateUser: inPerson(admin),
  deleteUser: inPerson(admin),
  resetUserTotp: inPerson(admin),

  listMembers: admin,
  readMember: admin,
  updateMember: inPerson(admin),
  removeMember: inPerson(admin),

  listInvitations: admin,
  createInvitation: inPerson(admin),
  deleteInvitation: inPerson(admin),

  listApiTokens: viewer,
  createApiToken: inPerson(viewer),
  revokeApiToken: inPerson(viewer),

  listSites: viewer,
  createSite: operator,
  readSite: viewer,
  updateSite: operator,
  deleteSite: operator,

  listNetworks: viewer,
  createNetwork: operator,
  readNetwork: viewer,
  updateNetwork: operator,
  deleteNetwork: operator,

  listEdges: viewer,
  createEdge: operator,
  readEdge: viewer,
  updateEdge: operator,
  deleteEdge: operator,
  revokeEdge: operator,
  createEnrollmentToken: operator,

  listAddressPools: viewer,
  createAddressPool: operator,
  readAddressPool: viewer,
  replaceAddressPool: operator,
  deleteAddressPool: operator,

  listExternalPeers: viewer,
  createExternalPeer: operator,
  importExternalPeers: operator,
  readExternalPeer: viewer,
  readExternalPeerSnippet: viewer,
  replaceExternalPeer: operator,
  deleteExternalPeer: operator,

  readTopology: viewer,
  replaceTopology: admin,

  listGroups: viewer,
  createGroup: operator,
  readGroup: viewer,
  replaceGroup: operator,
  deleteGroup: operator,

  listProfiles: viewer,
  createProfile: operator,
  readProfile: viewer,
  replaceProfile: operator,
  deleteProfile: operator,
  listServices: viewer,
  createService: operator,
  readService: viewer,
  replaceService: operator,
  deleteService: operator,

  listPolicies: viewer,
  createPolicy: operator,
  readPolicyOrder: viewer,
  orderPolicies: operator,
  readPolicy: viewer,
  replacePolicy: operator,
  deletePolicy: operator,

  listPolicyTests: viewer,
  createPolicyTest: operator,
  readPolicyTest: viewer,
  replacePolicyTest: operator,
  deletePolicyTest: operator,

  listRevisions: viewer,
  readRevision: viewer,
  readRevisionDiff: viewer,
  readDraft: viewer,
  readDraftDiff: viewer,
  // In person: a token that somebody has left behind is no second person.
  approveDraft: inPerson(approver),
  withdrawApproval: inPerson(approver),
  publishRevision: approver,
  restoreRevision: approver,

  explainByDraft: viewer,
  explainByRevision: viewer,
  exportConfiguration: viewer,
  // It can change how the fabric works, as updateTenant does.
  importConfiguration: admin,
  listAuditEntries: viewer,
  listTunnels: viewer,
  readTrust: viewer,
  listEvents: viewer,
  streamEvents: viewer,

  // Events leave the tenant there, for as long as nobody looks.
  listWebhooks: admin,
  createWebhook: inPerson(admin),
  readWebhook: admin,
  replaceWebhook: inPerson(admin),
  deleteWebhook: inPerson(admin),
  renewWebhookSecret: inPerson(admin),
  testWebhook: admin,
  listWebhookDeliveries: admin,
  redeliverWebhook: admin,
};
